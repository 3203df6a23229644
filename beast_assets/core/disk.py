"""Whether the disk has room for what a run is about to write; asked before anything is written."""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from beast_assets.core.errors import HeldBackError, ModelError
from beast_assets.core.files import open_root
from beast_assets.core.planning import REMOVED, Change
from beast_assets.core.settings import Settings
from beast_assets.core.text import skip_by_name

# Measured (docs/decisions.md): bytes of index, cache and ledger without the vectors.
_PER_TEXT_BYTE: Final = 1.3
_PER_FILE: Final = 1_300
# A chunk is shorter only where the file is: each file counts as one more. Two vectors of float16.
_TEXT_PER_CHUNK: Final = 600
_PER_DIMENSION: Final = 4
_UNKNOWN_DIMENSION: Final = 1_024
#: What stays free for the logs of the databases and for Dagster's records.
RESERVE: Final = 64 * 2**20
_HEAD: Final = 4_096


def require_room(settings: Settings, changes: Sequence[Change], roots: Mapping[str, bytes]) -> None:
    """Refuse a run whose rows, vectors and indices would not fit.

    Args:
        settings: where all of it is written.
        changes: what the run takes.
        roots: root's name → its path.

    Raises:
        HeldBackError: naming what is free, what is needed, and where.
    """
    texts = [change for change in changes if _may_have_text(change, settings)]
    needed = estimate((change.stat.size for change in texts), _dimension(settings.model))
    try:
        _require(settings, needed)
    except HeldBackError:
        # What the name does not tell the first bytes do; to read them pays only here.
        texts = [change for change in texts if _is_text(change, roots)]
        sizes = (change.stat.size for change in texts)
        _require(settings, estimate(sizes, _dimension(settings.model)))


def require_room_to_copy(settings: Settings, table: str) -> None:
    """Refuse to write a table anew where a second copy would not fit.

    Raises:
        HeldBackError: as in ``require_room``.
    """
    if "://" not in settings.index_uri:
        folder = Path(settings.index_uri) / f"{table}.lance"
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        _require_free(Path(settings.index_uri), size)


def require_reserve(settings: Settings) -> None:
    """Refuse to go on writing where the disk is about to be full, whatever was estimated.

    Raises:
        HeldBackError: as in ``require_room``.
    """
    _require(settings, 0)


def estimate(sizes: Iterable[int], dimension: int) -> int:
    """Bytes that files of these sizes will take in index, cache and ledger together.

    Args:
        sizes: of the files with text, in bytes.
        dimension: numbers in a vector.
    """
    files = text = 0
    for size in sizes:
        files += 1
        text += size
    chunks = files + text // _TEXT_PER_CHUNK
    return round(_PER_TEXT_BYTE * text + _PER_FILE * files + _PER_DIMENSION * dimension * chunks)


def _require(settings: Settings, needed: int) -> None:
    if "://" in settings.index_uri:
        return
    _require_free(Path(settings.index_uri), needed)
    _require_free(settings.home, 0)


def _require_free(place: Path, needed: int) -> None:
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed + RESERVE:
        raise HeldBackError(
            f"the disk of {place} has {_megabytes(free)} free and about {_megabytes(needed)} are "
            f"to be written, with {_megabytes(RESERVE)} to spare: free some space, index fewer "
            "folders, or move the home (BEAST_HOME) or the index (BEAST_INDEX_URI) to another disk"
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"


def _may_have_text(change: Change, settings: Settings) -> bool:
    return (
        change.kind != REMOVED
        and change.problem is None
        and change.stat.size <= settings.max_text_bytes
        and skip_by_name(change.path) is None
    )


def _is_text(change: Change, roots: Mapping[str, bytes]) -> bool:
    try:
        with open_root(roots[change.root_id]) as handle:
            fd = handle.open(change.path)
            try:
                head = os.pread(fd, _HEAD, 0)
            finally:
                os.close(fd)
    except OSError:
        return False
    return b"\0" not in head and not head.startswith(b"%PDF-")


def _dimension(model: str) -> int:
    from beast_assets.core.embedding.model_files import read_json, resolve

    try:
        folder = resolve(model).folder
        return int(read_json(folder / "config.json")["hidden_size"])
    except (ModelError, KeyError, TypeError, ValueError):
        return _UNKNOWN_DIMENSION
