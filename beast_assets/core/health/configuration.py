"""Where settings come from, and names in there that nothing reads."""

import difflib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from beast_assets.core.envfile import read_env_file
from beast_assets.core.errors import UsageError
from beast_assets.core.health.records import OK, WARN, Finding
from beast_assets.core.health.subject import Subject
from beast_assets.core.settings import ENV_FILES
from beast_assets.core.settings_table import CONFIG_DIR, TABLE

_PREFIX: Final = "BEAST_"
_KNOWN: Final = frozenset((CONFIG_DIR.variable, *(each.variable for each in TABLE)))
# The tests' own.
_OTHERS: Final = frozenset(("BEAST_CORPORA",))


class ConfigFile(NamedTuple):
    """One of the two env files: its state in words, and the names it assigns."""

    path: Path
    state: str
    names: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without values: there may be secrets among them."""
        return {"path": str(self.path), "state": self.state, "names": list(self.names)}


def config_files(folder: Path, environ: Mapping[str, str] | None = None) -> list[ConfigFile]:
    """The two env files of a folder as they are, whether they can be read or not."""
    seen = dict(os.environ if environ is None else environ)
    return [_read(folder / name, seen) for name in ENV_FILES]


def _read(path: Path, seen: dict[str, str]) -> ConfigFile:
    """Read one file; the next one sees what it assigns."""
    try:
        values = read_env_file(path, seen)
    except UsageError as error:
        return ConfigFile(path, str(error), ())
    seen |= values
    absent = not values and not os.path.lexists(path)
    return ConfigFile(path, "absent" if absent else f"sets {len(values)} names", tuple(values))


def unknown_names(names: Iterable[str]) -> dict[str, str]:
    """Of these, the names that begin as ours do and that nothing reads, with the nearest known."""
    found = sorted({name for name in names if name.startswith(_PREFIX)} - _KNOWN - _OTHERS)
    return {name: _nearest(name) for name in found}


def _nearest(name: str) -> str:
    # Without what all begin with, which would make any two alike.
    tails = [known.removeprefix(_PREFIX) for known in sorted(_KNOWN)]
    near = difflib.get_close_matches(name.removeprefix(_PREFIX), tails, n=1)
    return _PREFIX + near[0] if near else ""


def configuration(subject: Subject) -> Finding:
    """Whether every setting that is written down is one that is read."""
    files = config_files(subject.settings.config_dir)
    unknown = unknown_names([*os.environ, *(name for file in files for name in file.names)])
    figures = {"files": [file.to_dict() for file in files], "unknown": unknown}
    if unknown:
        words = "; ".join(_asked(name, near) for name, near in unknown.items())
        return Finding(WARN, f"nothing reads {words} (`beast config` lists what is)", figures)
    return Finding(OK, f"every {_PREFIX} name is known", figures)


def _asked(name: str, near: str) -> str:
    return f"{name}: did you mean {near}?" if near else name
