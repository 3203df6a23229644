"""Settings: from the cache, worked out anew, and from ``bash -c 'set -a; source …'``."""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from beast_assets.core.settings import Settings, load_settings
from beast_assets.core.settings_cache import SettingsCache
from benchmarks.harness import (
    Line,
    Missing,
    Options,
    Result,
    Spread,
    at_least,
    at_most,
    output_of,
    paired_values,
    seconds,
)

_PATHS = """# Where things lie
DATA="{folder}"
export DOCS="$DATA/docs"
BEAST_ROOTS="${{DOCS}}"
BEAST_THREADS=2
"""
_PORTS = "PORT_DAGSTER=3000\nPORT_SEARCH='3001'\n"
_TOUCH_EVERY_S = 5.0
_SOURCE = 'set -a; source "$1"; source "$2"; env'


def run(options: Options) -> Result:
    """A cached read against the others, and the hit rate while a file is touched."""
    folder = options.folder
    write_config(folder)
    overrides = {"home": str(folder / "home")}
    mine = {name: value for name, value in os.environ.items() if not name.startswith("BEAST_")}
    with _environment(mine | {"BEAST_CONFIG_DIR": str(folder)}):
        lines, missing = _reads(options, overrides)
        lines += _hit_rate(options, overrides)
    setup = {"files": ["paths.env", "ports.env"], "touched_every_s": _TOUCH_EVERY_S}
    return Result("config", "Reading the settings", lines, missing, setup)


def write_config(folder: Path) -> None:
    """The two env files, as a user would write them."""
    (folder / "docs").mkdir()
    (folder / "paths.env").write_text(_PATHS.format(folder=folder))
    (folder / "ports.env").write_text(_PORTS)


class _environment:
    """Put another environment in the place of this process's."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._new = dict(environ)

    def __enter__(self) -> None:
        self._old = dict(os.environ)
        self._set(self._new)

    def __exit__(self, *exception: object) -> None:
        self._set(self._old)

    def _set(self, environ: Mapping[str, str]) -> None:
        os.environ.clear()
        os.environ.update(environ)


def _reads(options: Options, overrides: Mapping[str, object]) -> tuple[list[Line], list[Missing]]:
    cache = SettingsCache()
    cache.get(overrides)
    works = {
        "cached": partial(_each_us, lambda: cache.get(overrides), 2_000),
        "uncached": partial(_each_us, lambda: load_settings(overrides), 100),
    }
    missing = []
    if shutil.which("bash"):
        words: list[str | Path] = ["bash", "-c", _SOURCE, "bash", *_files(options.folder)]
        works["bash"] = partial(_each_us, lambda: output_of(words), 10)
    else:
        missing.append(Missing("against bash", "there is no bash"))
    took = paired_values(works, options.rounds)
    parts = {f"{name}, µs": took.spread(name) for name in works}
    lines = [
        Line("a cached read", took.spread("cached"), "µs", reach=at_most(1_000)),
        _ratio("a cached read", took.ratio("uncached", "cached"), "reading the files anew", parts),
    ]
    if "bash" in works:
        shell = "bash -c 'set -a; source FILE'"
        lines.append(_ratio("a cached read", took.ratio("bash", "cached"), shell, parts))
        lines.append(_ratio("an uncached read", took.ratio("bash", "uncached"), shell, parts))
    return lines, missing


def _ratio(label: str, ratio: Spread, against: str, parts: Mapping[str, Spread]) -> Line:
    return Line(label, ratio, "×", against, parts=parts)


def _files(folder: Path) -> list[Path]:
    return [folder / "paths.env", folder / "ports.env"]


def _each_us(read: Callable[[], object], times: int) -> float:
    return seconds(lambda: [read() for _ in range(times)]) / times * 1e6


def _hit_rate(options: Options, overrides: Mapping[str, object]) -> list[Line]:
    """Many reads in one process, spread over so long that files change and entries expire."""
    reads = options.size("reads", 100_000, 500)
    lasting = options.size("seconds", 16, 0)
    rates, costs = [], []
    for _ in range(3):
        rate, cost = _read_while_touched(options.folder, overrides, reads, lasting)
        rates.append(rate)
        costs.append(cost)
    label = f"{reads:,} reads over {lasting} s, a file touched every 5 s"
    return [
        Line(f"{label}: hit rate", Spread.of(rates), "%", reach=at_least(95)),
        Line(f"{label}: mean of a read", Spread.of(costs), "µs", reach=at_most(1_000)),
    ]


def _read_while_touched(
    folder: Path, overrides: Mapping[str, object], reads: int, lasting: float
) -> tuple[float, float]:
    cache, cost, touched = SettingsCache(), 0.0, time.monotonic()
    pause = lasting / 100
    for batch in range(100):
        cost += seconds(lambda: _read(cache, overrides, reads // 100))
        if time.monotonic() - touched >= _TOUCH_EVERY_S:
            touched = time.monotonic()
            (folder / "ports.env").touch()
        if pause and batch < 99:
            time.sleep(pause)
    return cache.hit_rate * 100, cost / reads * 1e6


def _read(cache: SettingsCache, overrides: Mapping[str, object], times: int) -> Settings:
    for _ in range(times):
        settings = cache.get(overrides)
    return settings
