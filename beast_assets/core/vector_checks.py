"""Vectors of the index and of the cache against their texts, embedded again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from beast_assets.core import ids
from beast_assets.core.index import Row
from beast_assets.core.ledger_rows import FileRow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from beast_assets.core.verify_contents import Contents

# float16 keeps a vector's length to a thousandth, and its direction to 1e-7.
_LENGTH = 2e-3
# Of unit vectors whose cosine is .9999, which is what backends agree to.
_FAR = (2 - 2 * 0.9999) ** 0.5


def check_vectors(
    contents: "Contents", record: FileRow, rows: Sequence[Row], vectors: "NDArray[np.float16]"
) -> None:
    """Compare the vectors of a file's rows, float16 (n, dimension), with what the model gives."""
    for row, unit in zip(rows, is_unit(vectors), strict=True):
        if not unit:
            detail = f"row {row.chunk_id}: not of unit length"
            contents.found.file("vector", record, detail)
    sound = [n for n, row in enumerate(rows) if ids.text_sha256(row.text) == row.text_sha256]
    fresh = _embed(contents, [rows[number].text for number in sound])
    keys = [rows[number].text_sha256 for number in sound]
    cached = {} if contents.cache is None else contents.cache.get(keys)
    for number, key, vector in zip(sound, keys, fresh, strict=True):
        stored, kept = vectors[number], cached.get(key)
        if (distance := _distance(vector, stored)) > _FAR:
            _note(contents, record, rows[number], distance)
        if kept is None:
            continue
        if (kept_distance := _distance(vector, kept)) > _FAR:
            _note_cached(contents, record, key, kept_distance)
        # Rows are written with the cached vector: a bit that differs was flipped since.
        elif distance <= _FAR and stored.tobytes() != kept.tobytes():
            if kept_distance > distance:
                _note_cached(contents, record, key, kept_distance)
            else:
                _note(contents, record, rows[number], distance)


def _note(contents: "Contents", record: FileRow, row: Row, distance: float) -> None:
    contents.found.file("vector", record, f"row {row.chunk_id}: off by {distance:.3g}")


def _note_cached(contents: "Contents", record: FileRow, key: str, distance: float) -> None:
    detail = f"text {key}: off by {distance:.3g}"
    contents.found.file("cached_vector", record, detail, rewrite=False)
    contents.found.bad_cached.add(key)


def _distance(fresh: "NDArray[np.float32]", stored: "NDArray[np.float16]") -> float:
    """How far a vector is from what it should be, both taken as of unit length."""
    import numpy as np

    if fresh.shape != stored.shape or not is_unit(stored[None])[0]:
        return float("inf")
    return float(np.linalg.norm(fresh - stored.astype(np.float32)))


def is_unit(vectors: "NDArray[np.float16]") -> "NDArray[np.bool_]":
    """Which rows of (n, dimension) are finite and of length 1, as far as float16 goes."""
    import numpy as np

    lengths = np.linalg.norm(vectors.astype(np.float32), axis=1)
    # Not a number is not near 1.
    unit: NDArray[np.bool_] = np.abs(lengths - 1) <= _LENGTH
    return unit


def _embed(contents: "Contents", texts: Sequence[str]) -> "NDArray[np.float32]":
    import numpy as np

    size = contents.settings.embed_batch
    contents.found.checked["texts_embedded"] += len(texts)
    parts = [contents.embedder.encode(texts[at : at + size]) for at in range(0, len(texts), size)]
    empty = np.zeros((0, contents.embedder.dimension), dtype=np.float32)
    return np.concatenate([empty, *parts])
