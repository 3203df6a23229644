"""Every setting in one table, and where its value comes from.

Later wins: the default, ``paths.env``, ``ports.env``, the environment, the command's options.
"""

import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from beast_assets.core.envfile import read_env_file
from beast_assets.core.errors import UsageError

_FILES = ("paths.env", "ports.env")
_MIB = 1024 * 1024
_MAX_ENTRIES = 32


@dataclass(frozen=True, slots=True)
class Settings:
    r"""What one run goes by; plain data that pickles.

    A folder that was given relative is taken from the working directory, ``~`` is HOME.

    Attributes:
        home: the absolute folder of all state. By default ``~/.local/share/beast_assets`` (or
            under ``XDG_DATA_HOME``) on Linux, ``~/Library/Application Support/beast_assets`` on
            macOS, ``%LOCALAPPDATA%\beast_assets`` on Windows.
        roots: the absolute folders to index, raw bytes, none twice.
        config_dir: the absolute folder of ``paths.env`` and ``ports.env``.
        threads: how many threads compute.
        buckets: how many partitions, 16, 256 or 4096.
        model: the embedding model's name.
        ledger_url: the SQLAlchemy URL of the ledger; kept out of the repr for its password.
        index_uri: where LanceDB keeps its tables.
        chunker: ``content`` or ``window``.
        chunk_chars: the longest chunk, in characters.
        chunk_overlap: how many characters neighbouring chunks share, below half of a chunk.
        max_text_bytes: the largest text taken from one file.
        embed_batch: how many texts the model is given at once.
        lock_timeout_s: how many seconds a run waits for the writer lock.
        sensor_seconds: how many seconds lie between two looks of the sensor.
        port: the TCP port of Dagster's web server.
        env: what the two files assign, read-only; kept out of the repr for what is secret in it.
    """

    home: Path
    roots: tuple[bytes, ...]
    config_dir: Path
    threads: int
    buckets: int
    model: str
    ledger_url: str = field(repr=False)
    index_uri: str
    chunker: str
    chunk_chars: int
    chunk_overlap: int
    max_text_bytes: int
    embed_batch: int
    lock_timeout_s: float
    sensor_seconds: int
    port: int
    env: Mapping[str, str] = field(hash=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "env", MappingProxyType(dict(self.env)))

    def __reduce__(self) -> tuple[type["Settings"], tuple[object, ...]]:
        # A mapping proxy does not pickle.
        values = [getattr(self, each.name) for each in fields(self)]
        return type(self), (*values[:-1], dict(self.env))


_Parse = Callable[[Any, Mapping[str, str]], object]
_Default = Callable[[Mapping[str, Any]], object]


class _Field(NamedTuple):
    """One setting.

    Attributes:
        name: of the attribute and of the command's option.
        variable: that sets it, in the environment or a file.
        parse: the value from text or from an option, given the environment; ValueError says
            what is allowed.
        default: the value when nothing sets it, given the values of the fields above it.
        default_text: the default in words.
        help: one line for people.
        file_variable: another variable that sets it, in the files only, when nothing else does.
    """

    name: str
    variable: str
    parse: _Parse
    default: _Default
    default_text: str
    help: str
    file_variable: str = ""


def _absolute(value: Any, environ: Mapping[str, str]) -> Path:
    text = os.fsdecode(value)
    if (text == "~" or text.startswith("~/")) and environ.get("HOME"):
        text = environ["HOME"] + text[1:]
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError("a path; write ./~name for a file whose name begins with ~") from error


def _roots(value: Any, environ: Mapping[str, str]) -> tuple[bytes, ...]:
    single = isinstance(value, (str, bytes))
    parts = os.fsdecode(value).split(os.pathsep) if single else map(os.fsdecode, value)
    found = (os.fsencode(_absolute(part, environ)) for part in parts if part)
    return tuple(dict.fromkeys(found))


def _text(value: Any, _: Mapping[str, str]) -> str:
    return str(value)


def _whole(low: int, high: int) -> _Parse:
    def parse(value: Any, _: Mapping[str, str]) -> int:
        text = str(value).strip()
        if not re.fullmatch(r"[0-9]{1,18}", text) or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return int(text)

    return parse


def _one_of(*allowed: int) -> _Parse:
    def parse(value: Any, _: Mapping[str, str]) -> int:
        text = str(value).strip()
        if text not in map(str, allowed):
            raise ValueError(f"one of {', '.join(map(str, allowed))}")
        return int(text)

    return parse


def _one_word_of(*allowed: str) -> _Parse:
    def parse(value: Any, _: Mapping[str, str]) -> str:
        text = str(value).strip()
        if text not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return text

    return parse


def _seconds(high: int) -> _Parse:
    def parse(value: Any, _: Mapping[str, str]) -> float:
        text = str(value).strip()
        if not re.fullmatch(r"[0-9]{1,18}(\.[0-9]*)?", text) or float(text) > high:
            raise ValueError(f"a number of seconds from 0 to {high}")
        return float(text)

    return parse


def _user_data_folder(_: Mapping[str, Any]) -> Path:
    import platformdirs

    return platformdirs.user_data_path("beast_assets", appauthor=False).absolute()


def _cpus(_: Mapping[str, Any]) -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _sqlite_in_home(values: Mapping[str, Any]) -> str:
    home: Path = values["home"]
    if "?" in str(home):
        raise UsageError(
            f"the home {home} has a ? in it, which ends the path in a database URL; "
            "choose another BEAST_HOME or set BEAST_LEDGER_URL"
        )
    return f"sqlite:///{home.as_posix()}/ledger.sqlite"


def _field(
    name: str,
    parse: _Parse,
    default: object,
    help: str,
    *,
    words: str = "",
    variable: str = "",
    file_variable: str = "",
) -> _Field:
    """A row of the table: ``default`` is a value, or with ``words`` for it a function."""
    find: _Default = default if callable(default) else lambda _: default
    variable = variable or f"BEAST_{name.upper()}"
    return _Field(name, variable, parse, find, words or str(default), help, file_variable)


_CONFIG_DIR = _field(
    "config_dir",
    _absolute,
    lambda _: Path("config").absolute(),
    "folder of paths.env and ports.env; not to be set in these",
    words="./config",
)
_TABLE = (
    _field(
        "home",
        _absolute,
        _user_data_folder,
        "folder of all state: ledger, index, locks",
        words="the user's data folder",
    ),
    _field("roots", _roots, (), f"folders to index, with {os.pathsep} between them", words="none"),
    _field("threads", _whole(1, 4096), _cpus, "threads that compute", words="the CPUs it may use"),
    _field("buckets", _one_of(16, 256, 4096), 16, "how many partitions: 16, 256 or 4096"),
    _field("model", _text, "all-MiniLM-L6-v2", "the embedding model"),
    _field(
        "ledger_url",
        _text,
        _sqlite_in_home,
        "SQLAlchemy URL of the ledger",
        words="sqlite:///<home>/ledger.sqlite",
    ),
    _field(
        "index_uri",
        _text,
        lambda values: str(values["home"] / "index"),
        "where LanceDB keeps its tables: a folder or an object store",
        words="<home>/index",
    ),
    _field(
        "chunker",
        _one_word_of("content", "window"),
        "content",
        "content: chunks that survive edits elsewhere in the file; window: each as long as it goes",
    ),
    _field("chunk_chars", _whole(100, 100_000), 1200, "the longest chunk, in characters"),
    _field(
        "chunk_overlap",
        _whole(0, 49_999),
        0,
        "characters that neighbouring chunks share; less than half of BEAST_CHUNK_CHARS",
    ),
    _field("max_text_bytes", _whole(1, 2**40), 64 * _MIB, "the largest text of a file, in bytes"),
    _field(
        "embed_batch",
        _whole(1, 65_536),
        64,
        "texts given to the model at once; after a kill at most these are embedded again",
    ),
    _field(
        "lock_timeout_s",
        _seconds(31_536_000),
        3600.0,
        "seconds a Dagster run waits for the writer lock",
        words="3600",
        variable="BEAST_LOCK_TIMEOUT",
    ),
    _field("sensor_seconds", _whole(1, 86_400), 30, "seconds between two looks of the sensor"),
    _field(
        "port",
        _whole(1, 65_535),
        3000,
        "TCP port of Dagster's web server; PORT_DAGSTER in ports.env counts too",
        file_variable="PORT_DAGSTER",
    ),
)
_VARIABLE_OF = {each.name: each.variable for each in (_CONFIG_DIR, *_TABLE)}


class _Layer(NamedTuple):
    """Where values come from: its name for people, and the values by variable."""

    origin: str
    values: Mapping[str, object]


def describe_settings() -> list[tuple[str, str, str]]:
    """List the settings as rows of variable, default and help, for people."""
    return [(each.variable, each.default_text, each.help) for each in (_CONFIG_DIR, *_TABLE)]


def load_settings(
    overrides: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> Settings:
    """Work the settings out anew.

    Args:
        overrides: the command's options: field name to value, as text or as the field's type;
            None and empty text mean that the option was not given.
        environ: the environment, ``os.environ`` where None.

    Returns:
        The settings, every value checked.

    Raises:
        UsageError: a value that is not allowed, an env file that cannot be read for certain, or
            a ``BEAST_CONFIG_DIR`` that is no folder.
        TypeError: ``overrides`` names no field.
    """
    environ = os.environ if environ is None else environ
    outer = _outer_layers(overrides, environ)
    config_dir = _config_dir(outer, environ)
    paths = read_env_file(config_dir / _FILES[0], environ)
    ports = read_env_file(config_dir / _FILES[1], {**environ, **paths})
    files = [_Layer(str(config_dir / _FILES[1]), ports), _Layer(str(config_dir / _FILES[0]), paths)]
    _refuse_config_dir(files)
    values: dict[str, Any] = {"config_dir": config_dir, "env": {**paths, **ports}}
    for each in _TABLE:
        values[each.name] = _resolve(each, outer, files, environ, values)
    _check_overlap(values, [*outer, *files])
    return Settings(**values)


def _outer_layers(
    overrides: Mapping[str, object] | None, environ: Mapping[str, str]
) -> list[_Layer]:
    given = overrides or {}
    if unknown := given.keys() - _VARIABLE_OF.keys():
        raise TypeError(f"no such setting: {', '.join(sorted(unknown))}")
    options = {_VARIABLE_OF[name]: value for name, value in given.items()}
    return [_Layer("the command's options", options), _Layer("the environment", environ)]


def _find(variable: str, layers: list[_Layer]) -> tuple[object, str] | None:
    for layer in layers:
        value = layer.values.get(variable)
        if value is not None and value != "":
            return value, layer.origin
    return None


def _config_dir(outer: list[_Layer], environ: Mapping[str, str]) -> Path:
    found = _find(_CONFIG_DIR.variable, outer)
    if found is None:
        return Path("config").absolute()
    folder: Path = _parsed(_CONFIG_DIR, _CONFIG_DIR.variable, found, environ)
    if not _is_folder(folder):
        raise UsageError(
            f"BEAST_CONFIG_DIR={str(folder)!r} from {found[1]} is not a folder; "
            "create it, correct it or unset it"
        )
    return folder


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _refuse_config_dir(files: list[_Layer]) -> None:
    if found := _find(_CONFIG_DIR.variable, files):
        raise UsageError(
            f"BEAST_CONFIG_DIR cannot be set in {found[1]}, which is found through it; "
            "set it in the environment"
        )


def _resolve(
    each: _Field,
    outer: list[_Layer],
    files: list[_Layer],
    environ: Mapping[str, str],
    values: Mapping[str, Any],
) -> object:
    if found := _find(each.variable, [*outer, *files]):
        return _parsed(each, each.variable, found, environ)
    if found := _find(each.file_variable, files):
        return _parsed(each, each.file_variable, found, environ)
    return each.default(values)


def _parsed(
    each: _Field, variable: str, found: tuple[object, str], environ: Mapping[str, str]
) -> Any:
    value, origin = found
    try:
        return each.parse(value, environ)
    except ValueError as error:
        raise UsageError(f"{variable}={value!r} from {origin} must be {error}") from error


def _check_overlap(values: Mapping[str, Any], layers: list[_Layer]) -> None:
    if values["chunk_overlap"] * 2 < values["chunk_chars"]:
        return
    told = []
    for name in ("chunk_overlap", "chunk_chars"):
        found = _find(_VARIABLE_OF[name], layers)
        told.append(
            f"{_VARIABLE_OF[name]}={values[name]} from {found[1] if found else 'the default'}"
        )
    raise UsageError(f"{told[0]} must be less than half of {told[1]}")


class CacheInfo(NamedTuple):
    """How often a ``SettingsCache`` was asked, and the share of hits from 0.0 to 1.0."""

    hits: int
    misses: int
    hit_rate: float


class _Entry(NamedTuple):
    settings: Settings
    loaded_at: float
    surroundings: object
    files: tuple[str, str]
    versions: object


class SettingsCache:
    """Settings kept for a while, for callers in any thread.

    A hit costs two stats. What was loaded counts while it is younger than the time to live, both
    env files have the same modification time, size and inode (or are still absent), and the
    ``BEAST_*`` environment variables and the working directory are the same. Another variable
    that the files refer to is therefore noticed only when the time is over.
    """

    def __init__(self, ttl_s: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        """Make an empty cache.

        Args:
            ttl_s: the time to live in seconds.
            clock: seconds that never go back.
        """
        self._ttl_s = ttl_s
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[object, _Entry] = {}
        self.hits = 0
        self.misses = 0

    @property
    def hit_rate(self) -> float:
        """The share of hits, 0.0 before the first call."""
        return self.hits / (self.hits + self.misses) if self.hits else 0.0

    def info(self) -> CacheInfo:
        """Count hits and misses at one moment."""
        with self._lock:
            return CacheInfo(self.hits, self.misses, self.hit_rate)

    def get(self, overrides: Mapping[str, object] | None = None) -> Settings:
        """The settings as ``load_settings`` has them, from the cache where it still counts.

        Raises:
            UsageError: as ``load_settings``; a failure is not kept.
            TypeError: as ``load_settings``.
        """
        key = _key(overrides)
        with self._lock:
            now, surroundings = self._clock(), _surroundings()
            entry = self._entries.get(key)
            if entry and self._counts(entry, now, surroundings):
                self.hits += 1
                return entry.settings
            self.misses += 1
            if len(self._entries) >= _MAX_ENTRIES:
                self._entries.clear()
            entry = self._entries[key] = _load_entry(overrides, now, surroundings)
            return entry.settings

    def _counts(self, entry: _Entry, now: float, surroundings: object) -> bool:
        return (
            now - entry.loaded_at < self._ttl_s
            and surroundings == entry.surroundings
            and _versions(entry.files) == entry.versions
        )


def _load_entry(overrides: Mapping[str, object] | None, now: float, surroundings: object) -> _Entry:
    folder = _config_dir(_outer_layers(overrides, os.environ), os.environ)
    files = (str(folder / _FILES[0]), str(folder / _FILES[1]))
    # Looked at before they are read: a change in between is then seen by the next call.
    versions = _versions(files)
    return _Entry(load_settings(overrides), now, surroundings, files, versions)


def _key(overrides: Mapping[str, object] | None) -> object:
    return frozenset(
        (name, type(value), tuple(value) if isinstance(value, list) else value)
        for name, value in (overrides or {}).items()
        if value is not None
    )


def _surroundings() -> object:
    names = [name for name in os.environ if name.startswith("BEAST_")]
    return [(name, os.environ.get(name)) for name in sorted(names)], os.getcwd()  # noqa: PTH109


def _versions(files: tuple[str, str]) -> object:
    return [_version(path) for path in files]


def _version(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - twice as fast, on the way of every hit
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


_CACHE = SettingsCache()


def get_settings(overrides: Mapping[str, object] | None = None) -> Settings:
    """``SettingsCache.get`` of the process's own cache."""
    return _CACHE.get(overrides)


def cache_info() -> CacheInfo:
    """Tell how often the process's own cache was hit."""
    return _CACHE.info()
