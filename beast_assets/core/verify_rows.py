"""The rows of the index against the ledger: structure only, without texts and vectors.

Names are taken a range at a time, so that memory does not grow with the index.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

from beast_assets.core import ids
from beast_assets.core.cache import EmbeddingCache
from beast_assets.core.findings import Findings
from beast_assets.core.index import ChunkIndex, Row, reading, rows_digest
from beast_assets.core.ledger_rows import FileRow

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_AT_ONCE = 50_000
_DIGITS = "0123456789abcdef"
_LARGE = ("text", "vector")


class Range(NamedTuple):
    """Names of files in ``[low, high)``; None is no bound."""

    low: str | None
    high: str | None


def ranges(rows: int) -> list[Range]:
    """Cut all names into ranges of at most about 50,000 rows each."""
    starts = [""]
    while rows > _ROWS_AT_ONCE * len(starts) and len(starts[0]) < 3:
        starts = [start + digit for start in starts for digit in _DIGITS]
    inner = list(starts[1:])
    return [Range(*pair) for pair in zip([None, *inner], [*inner, None], strict=True)]


def check_rows(
    found: Findings,
    rows: Iterable[Row],
    recorded: Sequence[FileRow],
    cache: EmbeddingCache | None,
    untouched: bool,
) -> None:
    """Compare the rows of a range with the ledger.

    Args:
        found: takes the differences.
        rows: without their texts.
        recorded: the ledger's files of this range.
        cache: of the index's model; None where there is none.
        untouched: whether the index is as the last publication left it; a run that finds it
            otherwise puts right by itself what a dead one left.
    """
    held: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        held[row.file_id].append(row)
    known = {row.file_id: row for row in recorded}
    sound: dict[str, set[str]] = {}
    for file_id, mine in held.items():
        record = known.get(file_id)
        if record is None or record.indexed is None or not record.chunks:
            if record is None or record.indexed is not None or untouched:
                found.file("orphan", mine[0], f"{len(mine)} rows")
            continue
        _check_names(found, record, mine)
        sound[file_id] = {row.text_sha256 for row in mine if not _contradiction(row, record)}
    for record in recorded:
        _check_record(found, record, held)
    _check_cached(found, sound, cache)
    found.checked["files"] += len(recorded)
    found.checked["rows"] += sum(map(len, held.values()))


def _check_names(found: Findings, record: FileRow, rows: Sequence[Row]) -> None:
    names = [row.chunk_id for row in rows]
    unique = set(names)
    counts = f"{len(unique)} of {record.chunks}"
    if len(unique) < len(names):
        found.file("duplicate", record, f"{len(names) - len(unique)} rows")
    if len(unique) < record.chunks:
        found.file("missing_rows", record, counts)
    elif len(unique) > record.chunks:
        found.file("extra_rows", record, counts)
    elif rows_digest(unique) != record.rows_digest:
        found.file("digest", record, f"{len(unique)} rows")
    for row in rows:
        if why := _contradiction(row, record):
            found.file("inconsistent", record, f"row {row.chunk_id}: {why}")


def _contradiction(row: Row, record: FileRow) -> str | None:
    """Why a row cannot be one of this file."""
    if (row.root_id, row.path) != (record.root_id, record.path):
        return "another path"
    if row.content_sha256 != record.indexed:
        return "of another content"
    if not 0 <= row.char_start < row.char_end or not 1 <= row.line_start <= row.line_end:
        return "impossible positions"
    where = (row.file_id, row.content_sha256, row.char_start, row.char_end, row.text_sha256)
    if not all(map(str.isascii, (row.content_sha256, row.text_sha256))):
        return "no hashes"
    return None if ids.chunk_id(*where) == row.chunk_id else "its name is not that of its place"


def _check_record(found: Findings, record: FileRow, held: Mapping[str, Sequence[Row]]) -> None:
    if record.file_id != ids.file_id(record.root_id, record.path):
        found.file("ledger", record, "its name is not that of its path")
        found.misnamed.add(record.file_id)
    elif record.indexed is not None and record.chunks and record.file_id not in held:
        found.file("missing_rows", record, f"0 of {record.chunks}")


def _check_cached(
    found: Findings, sound: Mapping[str, set[str]], cache: EmbeddingCache | None
) -> None:
    if "cache" in found.damaged:
        return
    keys = sorted(set().union(*sound.values()))
    missing = set(keys) if cache is None else cache.missing(keys)
    found.uncached.update(name for name, texts in sound.items() if not missing.isdisjoint(texts))
    found.checked["uncached"] += len(missing)


def rows_between(index: ChunkIndex, low: str | None, high: str | None) -> Iterator[Row]:
    """The rows of files whose names lie in ``[low, high)``, without their texts."""
    from lancedb.expr import col, lit

    search = index.table.search()
    if low is not None and high is not None:
        search = search.where((col("file_id") >= lit(low)) & (col("file_id") < lit(high)))
    elif low is not None:
        search = search.where(col("file_id") >= lit(low))
    elif high is not None:
        search = search.where(col("file_id") < lit(high))
    columns = [name for name in index.table.schema.names if name not in _LARGE]
    with reading():
        for batch in search.select(columns).to_batches():
            yield from _rows(batch)


def _rows(batch: "pa.RecordBatch") -> Iterator[Row]:
    columns = [repeat("") if name == "text" else batch[name].to_pylist() for name in Row._fields]
    return map(Row._make, zip(*columns, strict=False))
