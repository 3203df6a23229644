"""The table of all settings but for ``env``: where each is set, how it is read, its default."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

_Parse = Callable[[Any, Mapping[str, str]], Any]
_Default = Callable[[Mapping[str, Any]], Any]


class Field(NamedTuple):
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


def _word(*allowed: str) -> _Parse:
    def parse(value: Any, _: Mapping[str, str]) -> str:
        text = str(value).strip()
        if text not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return text

    return parse


def _switch(value: Any, _: Mapping[str, str]) -> bool:
    text = str(value).strip().lower()
    if text not in ("on", "off", "true", "false", "1", "0"):
        raise ValueError("on or off")
    return text in ("on", "true", "1")


_HOST = r"([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?"


def _hosts(value: Any, _: Mapping[str, str]) -> tuple[str, ...]:
    names = value.split(",") if isinstance(value, str) else map(str, value)
    found = tuple(name.strip().lower() for name in names if name.strip())
    if not all(re.fullmatch(_HOST, name) for name in found):
        raise ValueError("names of hosts with commas between, as in search.example,10.0.0.7:8443")
    return found


def _share(value: Any, _: Mapping[str, str]) -> float:
    text = str(value).strip()
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]*)?", text) or float(text) > 1:
        raise ValueError("a share from 0 to 1")
    return float(text)


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


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite database; SQLAlchemy decodes what is quoted here."""
    return f"sqlite:///{quote(bytes(path))}"


def _sqlite_in_home(values: Mapping[str, Any]) -> str:
    return sqlite_url(values["home"] / "ledger.sqlite")


def _ledger_url(value: Any, environ: Mapping[str, str]) -> str:
    # A relative path would be another database in another working directory.
    text = str(value)
    scheme, separator, path = text.partition(":///")
    if scheme.startswith("sqlite") and separator and not path.startswith("/"):
        return f"{scheme}:///{quote(_absolute(unquote(path), environ).as_posix())}"
    return text


def _index_uri(value: Any, environ: Mapping[str, str]) -> str:
    return str(value) if "://" in str(value) else str(_absolute(value, environ))


def _field(
    name: str,
    parse: _Parse,
    default: object,
    help: str,
    *,
    words: str = "",
    variable: str = "",
    file_variable: str = "",
) -> Field:
    """A row of the table: ``default`` is a value, or with ``words`` for it a function."""
    find: _Default = default if callable(default) else lambda _: default
    variable = variable or f"BEAST_{name.upper()}"
    return Field(name, variable, parse, find, words or str(default), help, file_variable)


CONFIG_DIR = _field(
    "config_dir",
    _absolute,
    lambda _: Path("config").absolute(),
    "folder of paths.env and ports.env; not to be set in these",
    words="./config",
)
TABLE = (
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
        "backend",
        _word("auto", "openvino", "openvino-int8", "sentence-transformers"),
        "auto",
        "what computes vectors: auto, openvino, openvino-int8 or sentence-transformers",
    ),
    _field("reranker", _text, "", "a cross-encoder's folder, for `--rerank`", words="none"),
    _field(
        "ledger_url",
        _ledger_url,
        _sqlite_in_home,
        "SQLAlchemy URL of the ledger",
        words="sqlite:///<home>/ledger.sqlite",
    ),
    _field(
        "index_uri",
        _index_uri,
        lambda values: str(values["home"] / "index"),
        "where LanceDB keeps its tables: a folder or an object store",
        words="<home>/index",
    ),
    _field(
        "chunker",
        _word("content", "window"),
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
    _field("max_text_bytes", _whole(1, 2**40), 64 * 2**20, "the largest text of a file, in bytes"),
    _field(
        "secret_scan",
        _switch,
        True,
        "on: a file whose text holds a key or a token is quarantined; off: it is indexed",
        words="on",
    ),
    _field(
        "embed_batch",
        _whole(1, 65_536),
        256,
        "texts given to the model at once; after a kill at most these are embedded again",
    ),
    _field(
        "retention_days",
        _whole(0, 36_500),
        7,
        "days that text and vectors of deleted files may stay on the disk, if maintenance runs",
    ),
    _field(
        "golden_drop",
        _share,
        0.05,
        "a run is held back where the share of golden queries that find their file drops by more",
    ),
    _field(
        "lock_timeout_s",
        _seconds(31_536_000),
        3600.0,
        "seconds a Dagster run waits for the writer lock",
        words="3600",
        variable="BEAST_LOCK_TIMEOUT",
    ),
    _field(
        "ui_previews",
        _switch,
        False,
        "on: Dagster's UI shows names of files and passages, and keeps them in its records",
        words="off",
    ),
    _field("sensor_seconds", _whole(1, 86_400), 30, "seconds between two looks of the sensor"),
    _field(
        "watch_seconds",
        _whole(1, 86_400),
        10,
        "seconds after which `beast watch` looks at everything, whatever events say",
    ),
    _field(
        "port",
        _whole(1, 65_535),
        3000,
        "TCP port of Dagster's web server; PORT_DAGSTER in ports.env counts too",
        file_variable="PORT_DAGSTER",
    ),
    _field(
        "serve_port",
        _whole(1, 65_535),
        7171,
        "TCP port of `beast serve`; PORT_SEARCH in ports.env counts too",
        file_variable="PORT_SEARCH",
    ),
    _field("serve_token", _text, "", "the token that `beast serve` asks for", words="none"),
    _field(
        "serve_hosts",
        _hosts,
        (),
        "other names by which `beast serve` may be called, as in `search.example,10.0.0.7:8443`",
        words="none",
    ),
)
