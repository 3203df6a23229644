"""The settings of one run, and where their values come from.

Later wins: the default, ``paths.env``, ``ports.env``, the environment, the command's options.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from beast_assets.core.envfile import read_env_file
from beast_assets.core.errors import UsageError
from beast_assets.core.settings_table import CONFIG_DIR, TABLE, Field

ENV_FILES = ("paths.env", "ports.env")

_VARIABLE_OF = {each.name: each.variable for each in (CONFIG_DIR, *TABLE)}


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
        backend: what computes the vectors: one of ``embedding.BACKENDS``.
        reranker: a cross-encoder's folder; empty for none.
        ledger_url: the SQLAlchemy URL of the ledger; kept out of the repr for its password.
        index_uri: where LanceDB keeps its tables.
        chunker: ``content`` or ``window``.
        chunk_chars: the longest chunk, in characters.
        chunk_overlap: how many characters neighbouring chunks share, below half of a chunk.
        max_text_bytes: the largest text taken from one file.
        secret_scan: whether a file whose text holds a key or a token is kept out of the index.
        embed_batch: how many texts the model is given at once.
        retention_days: days that text and vectors of deleted files may stay on the disk.
        golden_drop: how far the golden queries' score may fall from one version to the next.
        lock_timeout_s: how many seconds a run waits for the writer lock.
        ui_previews: whether Dagster's records may name files and quote passages.
        sensor_seconds: how many seconds lie between two looks of the sensor.
        watch_seconds: after how many seconds ``beast watch`` looks without an event.
        port: the TCP port of Dagster's web server.
        serve_port: the TCP port of `beast serve`.
        serve_token: what `beast serve` asks its callers for, empty for nothing; kept out of the
            repr.
        serve_hosts: further names, ``name`` or ``name:port``, that `beast serve` answers to.
        env: what the two files assign, read-only; kept out of the repr for what is secret in it.
    """

    home: Path
    roots: tuple[bytes, ...]
    config_dir: Path
    threads: int
    buckets: int
    model: str
    backend: str
    reranker: str
    ledger_url: str = field(repr=False)
    index_uri: str
    chunker: str
    chunk_chars: int
    chunk_overlap: int
    max_text_bytes: int
    secret_scan: bool
    embed_batch: int
    retention_days: int
    golden_drop: float
    lock_timeout_s: float
    ui_previews: bool
    sensor_seconds: int
    watch_seconds: int
    port: int
    serve_port: int
    serve_token: str = field(repr=False)
    serve_hosts: tuple[str, ...]
    env: Mapping[str, str] = field(hash=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "env", MappingProxyType(dict(self.env)))

    def __reduce__(self) -> tuple[type["Settings"], tuple[object, ...]]:
        # A mapping proxy does not pickle.
        values = [getattr(self, each.name) for each in fields(self)]
        return type(self), (*values[:-1], dict(self.env))


class _Layer(NamedTuple):
    """Where values come from: its name for people, and the values by variable."""

    origin: str
    values: Mapping[str, object]


class _Found(NamedTuple):
    """A variable that is set, and the name of the layer that sets it."""

    variable: str
    value: object
    origin: str


def describe_settings() -> list[tuple[str, str, str]]:
    """List the settings as rows of variable, default and help, for people."""
    return [(each.variable, each.default_text, each.help) for each in (CONFIG_DIR, *TABLE)]


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
    config_dir = find_config_dir(overrides, environ)
    paths_file, ports_file = (config_dir / name for name in ENV_FILES)
    paths = read_env_file(paths_file, environ)
    ports = read_env_file(ports_file, {**environ, **paths})
    files = [_Layer(str(ports_file), ports), _Layer(str(paths_file), paths)]
    _refuse_config_dir(files)
    values: dict[str, Any] = {"config_dir": config_dir, "env": {**paths, **ports}}
    for each in TABLE:
        found = _find(each.variable, [*outer, *files]) or _find(each.file_variable, files)
        values[each.name] = _value(each, found, environ, values)
    _check_overlap(values, [*outer, *files])
    return Settings(**values)


def find_config_dir(overrides: Mapping[str, object] | None, environ: Mapping[str, str]) -> Path:
    """Find the absolute folder of the env files, given what ``load_settings`` is given.

    Raises:
        UsageError: ``BEAST_CONFIG_DIR`` is no folder.
        TypeError: ``overrides`` names no field.
    """
    found = _find(CONFIG_DIR.variable, _outer_layers(overrides, environ))
    folder: Path = _value(CONFIG_DIR, found, environ, {})
    if found and not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir may raise
        raise UsageError(
            f"BEAST_CONFIG_DIR={str(folder)!r} from {found.origin} is not a folder; "
            "create it, correct it or unset it"
        )
    return folder


def _outer_layers(
    overrides: Mapping[str, object] | None, environ: Mapping[str, str]
) -> list[_Layer]:
    given = overrides or {}
    if unknown := given.keys() - _VARIABLE_OF.keys():
        raise TypeError(f"no such setting: {', '.join(sorted(unknown))}")
    options = {_VARIABLE_OF[name]: value for name, value in given.items()}
    return [_Layer("the command's options", options), _Layer("the environment", environ)]


def _find(variable: str, layers: list[_Layer]) -> _Found | None:
    for layer in layers:
        value = layer.values.get(variable)
        if value is not None and value != "":
            return _Found(variable, value, layer.origin)
    return None


def _refuse_config_dir(files: list[_Layer]) -> None:
    if found := _find(CONFIG_DIR.variable, files):
        raise UsageError(
            f"BEAST_CONFIG_DIR cannot be set in {found.origin}, which is found through it; "
            "set it in the environment"
        )


def _value(
    each: Field, found: _Found | None, environ: Mapping[str, str], values: Mapping[str, Any]
) -> Any:
    if found is None:
        return each.default(values)
    try:
        return each.parse(found.value, environ)
    except ValueError as error:
        raise UsageError(
            f"{found.variable}={found.value!r} from {found.origin} must be {error}"
        ) from error


def _check_overlap(values: Mapping[str, Any], layers: list[_Layer]) -> None:
    if values["chunk_overlap"] * 2 < values["chunk_chars"]:
        return
    overlap, chars = (_told(name, values, layers) for name in ("chunk_overlap", "chunk_chars"))
    raise UsageError(f"{overlap} must be less than half of {chars}")


def _told(name: str, values: Mapping[str, Any], layers: list[_Layer]) -> str:
    found = _find(_VARIABLE_OF[name], layers)
    return f"{_VARIABLE_OF[name]}={values[name]} from {found.origin if found else 'the default'}"
