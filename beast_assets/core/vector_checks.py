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
_COSINE = 0.9999


def check_vectors(
    contents: "Contents", record: FileRow, rows: Sequence[Row], vectors: "NDArray[np.float16]"
) -> None:
    """Compare the vectors of a file's rows, float16 (n, dimension), with what the model gives."""
    import numpy as np

    for number in np.flatnonzero(~is_unit(vectors)).tolist():
        name = rows[number].chunk_id
        contents.found.file("vector", record, f"row {name}: not of unit length")
    sound = [n for n, row in enumerate(rows) if ids.text_sha256(row.text) == row.text_sha256]
    fresh = _embed(contents, [rows[number].text for number in sound])
    for number, cosine in zip(sound, _cosines(fresh, vectors[sound]), strict=True):
        if not cosine >= _COSINE:
            name = rows[number].chunk_id
            contents.found.file("vector", record, f"row {name}: cosine {cosine:.4f}")
    _check_cached(contents, record, [rows[number].text_sha256 for number in sound], fresh)


def is_unit(vectors: "NDArray[np.float16]") -> "NDArray[np.bool_]":
    """Which rows of (n, dimension) are finite and of length 1, as far as float16 goes."""
    import numpy as np

    lengths = np.linalg.norm(vectors.astype(np.float32), axis=1)
    # Not a number is not near 1.
    unit: NDArray[np.bool_] = np.abs(lengths - 1) <= _LENGTH
    return unit


def _check_cached(
    contents: "Contents", record: FileRow, keys: Sequence[str], fresh: "NDArray[np.float32]"
) -> None:
    cached = {} if contents.cache is None else contents.cache.get(keys)
    for key, vector in zip(keys, fresh, strict=True):
        found = cached.get(key)
        if found is None:
            continue
        cosine = _cosines(vector[None], found[None])[0] if found.shape == vector.shape else 0.0
        if not cosine >= _COSINE:
            detail = f"text {key}: cosine {cosine:.4f}"
            contents.found.file("cached_vector", record, detail, rewrite=False)
            contents.found.bad_cached.add(key)


def _embed(contents: "Contents", texts: Sequence[str]) -> "NDArray[np.float32]":
    import numpy as np

    size = contents.settings.embed_batch
    contents.found.checked["texts_embedded"] += len(texts)
    parts = [contents.embedder.encode(texts[at : at + size]) for at in range(0, len(texts), size)]
    empty = np.zeros((0, contents.embedder.dimension), dtype=np.float32)
    return np.concatenate([empty, *parts])


def _cosines(fresh: "NDArray[np.float32]", stored: "NDArray[np.float16]") -> "list[float]":
    import numpy as np

    wide = stored.astype(np.float32)
    with np.errstate(all="ignore"):
        lengths = np.linalg.norm(wide, axis=1) * np.linalg.norm(fresh, axis=1)
        products: list[float] = ((fresh * wide).sum(axis=1) / lengths).tolist()
    return products
