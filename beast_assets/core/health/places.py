"""The machine under the home: its folder, room on the disk, memory."""

import os
import shutil
import stat
from pathlib import Path
from typing import Final

from beast_assets.core.disk import RESERVE
from beast_assets.core.health.records import FAIL, OK, WARN, Finding
from beast_assets.core.health.subject import Subject
from beast_assets.core.health.words import megabytes
from beast_assets.core.settings import Settings

_SMALL_SHARE: Final = 0.05
# A twentieth of a large disk is plenty.
_PLENTY: Final = 10 * 10**9
# A first index takes 583 MB at its peak (docs/decisions.md).
_MEMORY: Final = 600 * 10**6
_EFFECTIVE: Final = os.access in os.supports_effective_ids
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def home(subject: Subject) -> Finding:
    """Whether the home is there, ours to write, and closed to others."""
    folder = subject.settings.home
    figures = {"home": str(folder)}
    if not os.path.lexists(folder):
        words = f"there is no home at {folder}: `beast index DIR` makes one"
        return Finding(FAIL, f"{words}; name another with --home or BEAST_HOME", figures)
    mode = folder.stat().st_mode
    if not stat.S_ISDIR(mode):
        return Finding(FAIL, f"{folder} is no folder: set BEAST_HOME to one", figures)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=_EFFECTIVE):
        words = f"{folder} may not be read and written: run as its owner, or name another home"
        return Finding(FAIL, words, figures)
    if exposed := [str(path) for path in _own(subject.settings) if _is_open(path)]:
        words = f"other users may look into {', '.join(exposed)}: `chmod -R go= {exposed[0]}`"
        return Finding(WARN, words, {**figures, "open_to_others": exposed})
    return Finding(OK, f"{folder} is there, and its owner's alone", figures)


def _own(settings: Settings) -> list[Path]:
    """The home, and what of it lies elsewhere."""
    index = [] if "://" in settings.index_uri else [Path(settings.index_uri)]
    return [settings.home, *(path for path in index if not path.is_relative_to(settings.home))]


def _is_open(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & _OTHERS)


def disk(subject: Subject) -> Finding:
    """Whether a run will find room to write."""
    places = [_existing(path) for path in _own(subject.settings)]
    found = [(path, shutil.disk_usage(path)) for path in places]
    place, usage = min(found, key=lambda one: one[1].free)
    share = usage.free / usage.total if usage.total else 0.0
    figures = {"free_bytes": usage.free, "total_bytes": usage.total, "free_share": round(share, 4)}
    words = f"{megabytes(usage.free)} free ({share:.0%}) on the disk of {place}"
    do = "free some space, or move the home (BEAST_HOME) or the index (BEAST_INDEX_URI)"
    if usage.free < RESERVE:
        return Finding(FAIL, f"{words}, below {megabytes(RESERVE)} no run writes: {do}", figures)
    if usage.free < 2 * RESERVE or (share < _SMALL_SHARE and usage.free < _PLENTY):
        return Finding(WARN, f"{words}: {do}", figures)
    return Finding(OK, words, figures)


def _existing(place: Path) -> Path:
    while not place.exists():
        place = place.parent
    return place


def memory(_subject: Subject) -> Finding:
    """Whether a run will find memory."""
    import psutil

    found = psutil.virtual_memory()
    figures = {"available_bytes": found.available, "total_bytes": found.total}
    words = f"{megabytes(found.available)} of {megabytes(found.total)} available"
    if found.available < _MEMORY:
        return Finding(WARN, f"{words}; a first index takes 600 MB: end something", figures)
    return Finding(OK, words, figures)
