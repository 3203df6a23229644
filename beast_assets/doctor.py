"""``beast doctor``: everything that may be wrong, told even where very much is wrong."""

import functools
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from beast_assets.core.errors import BeastError, UsageError
from beast_assets.core.health import (
    FAIL,
    OK,
    UNHEALTHY,
    WARN,
    Check,
    Finding,
    Health,
    Probe,
    Subject,
    hanging,
    load_libraries,
)
from beast_assets.core.health import check_health as check
from beast_assets.core.health.configuration import ConfigFile, config_files
from beast_assets.core.health.versions import versions
from beast_assets.core.home import dagster_home
from beast_assets.core.search import IndexHandle
from beast_assets.core.settings import Settings, find_config_dir, load_settings
from beast_assets.core.words import one_line

# A model may have to be loaded by way of torch.
_TIMEOUT_S: Final = 30.0
_MARKS: Final = {OK: "  ok", WARN: "warn", FAIL: "FAIL"}


@dataclass(frozen=True)
class Examined:
    """What ``beast doctor`` tells.

    Attributes:
        health: of the home.
        versions: of what is installed.
        config_files: the two env files.
    """

    health: Health
    versions: dict[str, str]
    config_files: list[ConfigFile]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        files = [file.to_dict() for file in self.config_files]
        return {**self.health.to_dict(), "versions": self.versions, "config_files": files}

    def lines(self) -> list[str]:
        """The same for people, a line each."""
        found = [f"{_MARKS[one.status]}  {one.name}: {one.detail}" for one in self.health.checks]
        found += [f"      {file.path}: {file.state}" for file in self.config_files]
        found = [one_line(line) for line in found]
        found.append("      " + ", ".join(f"{name} {v}" for name, v in self.versions.items()))
        return [*found, self.health.status]


def examine_home(home: Path | None) -> Examined:
    """Examine a home and all that it depends on.

    Args:
        home: its folder, where the command names one.
    """
    overrides: dict[str, object] = {"home": home}
    try:
        settings = load_settings(overrides)
        load_libraries()
        health = check(settings, extra=_DAGSTER, timeout_s=_TIMEOUT_S)
    except UsageError as error:
        # Where a home is nobody can say, so this is all that is wrong for now.
        health = Health((Check("configuration", FAIL, 0.0, str(error), {}),))
    return Examined(health, versions(), _config_files(overrides))


def health_report(settings: Settings, handle: IndexHandle | None = None) -> dict[str, Any]:
    """The checks of a home as ``/healthz`` gives them.

    Args:
        settings: of the home.
        handle: see ``check_health``.
    """
    return check(settings, handle=handle, extra=_DAGSTER).to_dict()


def _config_files(overrides: dict[str, object]) -> list[ConfigFile]:
    try:
        return config_files(find_config_dir(overrides, os.environ))
    except UsageError:  # told by the check already
        return []


def leave(examined: Examined) -> NoReturn:
    """End the process: with 1 if the home is unhealthy, else with 0."""
    code = BeastError.exit_code if examined.health.status == UNHEALTHY else 0
    if hanging():
        # Native code that comes back while the interpreter winds down would abort the process.
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


_NEVER_USED: Final = {
    "daemon": Finding(WARN, "no daemon has run here: `beast dev` starts it, or use `beast index`"),
    "sensor": Finding(OK, "no ticks are to be expected: no daemon runs"),
}


def _asked(name: str, subject: Subject) -> Finding:
    """Ask the home's own instance, if it was ever used: to open it would make its databases."""
    folder = dagster_home(subject.settings)
    if not folder.is_dir() or {path.name for path in folder.iterdir()} <= {"dagster.yaml"}:
        return _NEVER_USED[name]
    from beast_assets.defs.health import DAGSTER_PROBES
    from beast_assets.defs.launch import home_instance

    look = {probe.name: probe.look for probe in DAGSTER_PROBES}[name]
    try:
        with home_instance(subject.settings) as instance:
            return look(instance, subject.settings)
    except Exception as error:  # whatever its storage raises
        words = f"Dagster's records in {folder} cannot be read ({str(error).splitlines()[0]})"
        raise BeastError(f"{words}: move that folder away, the next run makes another") from error


_DAGSTER: Final = (
    Probe("daemon", "Does Dagster's daemon run?", functools.partial(_asked, "daemon"), WARN),
    Probe("sensor", "Does the sensor look for changes?", functools.partial(_asked, "sensor"), WARN),
)
