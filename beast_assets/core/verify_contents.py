"""A sample of the files: their bytes, texts, positions and vectors, all made again and compared."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from beast_assets.core import ids
from beast_assets.core.cache import EmbeddingCache
from beast_assets.core.embedding import Embedder
from beast_assets.core.files import open_root
from beast_assets.core.findings import Findings
from beast_assets.core.index import ChunkIndex, Row, reading
from beast_assets.core.ingest import row_of
from beast_assets.core.ledger_rows import FileRow
from beast_assets.core.planning import CHANGED, Change
from beast_assets.core.reading import Content, read_content
from beast_assets.core.settings import Settings
from beast_assets.core.text import Sandbox
from beast_assets.core.vector_checks import check_vectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ROWS_AT_ONCE = 1_000
_PLACE = frozenset({"char_start", "char_end", "line_start", "line_end", "place"})


@dataclass
class Contents:
    """What a sample is checked with."""

    settings: Settings
    found: Findings
    index: ChunkIndex
    cache: EmbeddingCache | None
    embedder: Embedder
    sandbox: Sandbox

    def check(self, files: Iterable[FileRow]) -> None:
        """Check the files of a sample, a thousand rows at a time."""
        for group in _groups(files):
            stored = self._stored([record.file_id for record in group])
            for record in group:
                rows, vectors = stored.get(record.file_id, ((), None))
                self._check_texts(record, rows)
                self._check_disk(record, rows)
                if vectors is not None:
                    check_vectors(self, record, rows, vectors)

    def _stored(
        self, file_ids: Sequence[str]
    ) -> "dict[str, tuple[list[Row], NDArray[np.float16]]]":
        import numpy as np
        from lancedb.expr import col

        with reading():
            search = self.index.table.search().where(col("file_id").isin(list(file_ids)))
            table = search.to_arrow().combine_chunks()
        flat = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        vectors = flat.reshape(table.num_rows, self.index.dimension)
        rows = [Row(**row) for row in table.select(list(Row._fields)).to_pylist()]
        where: dict[str, list[int]] = {}
        for number, row in enumerate(rows):
            where.setdefault(row.file_id, []).append(number)
        return {
            name: ([rows[number] for number in numbers], vectors[np.array(numbers)])
            for name, numbers in where.items()
        }

    def _check_texts(self, record: FileRow, rows: Sequence[Row]) -> None:
        for row in rows:
            if ids.text_sha256(row.text) != row.text_sha256:
                self.found.file("text", record, f"row {row.chunk_id}: another text than its hash")
            elif self.embedder.fits(row.text) < len(row.text) > 1:
                self.found.file(
                    "truncated", record, f"row {row.chunk_id}: {len(row.text)} characters"
                )

    def _check_disk(self, record: FileRow, rows: Sequence[Row]) -> None:
        """Read the file as a run would, unless it is not the one that was indexed any more."""
        content = self._read(record)
        if content is None:
            return
        self.found.checked["files_read"] += 1
        self.found.checked["bytes_read"] += content.bytes_hashed
        if content.key != record.indexed:
            self.found.file("content", record, f"{content.key} instead of {record.indexed}")
            self.found.misread.add(record.file_id)
            return
        fresh = [row_of(_change(record), content.key, chunk) for chunk in content.chunks]
        self._compare(record, {row.chunk_id: row for row in fresh}, rows)
        if missed := uncovered(content.text, rows):
            self.found.file("uncovered", record, f"{missed} characters")

    def _read(self, record: FileRow) -> Content | None:
        """The content; None if the file is not the indexed one any more: the next run tells."""
        change = _change(record)
        try:
            with open_root(self.found.roots.get(record.root_id, b"")) as handle:
                if handle.stat(record.path) != record.stat:
                    return None
                content = read_content(
                    handle.fd, change, self.settings, self.embedder.fits, 0, self.sandbox
                )
                if handle.stat(record.path) != record.stat:
                    return None
        except OSError:
            return None
        return content

    def _compare(self, record: FileRow, fresh: Mapping[str, Row], rows: Sequence[Row]) -> None:
        stored = {row.chunk_id: row for row in rows}
        if missing := fresh.keys() - stored.keys():
            self.found.file("missing_rows", record, f"{len(missing)} of {len(fresh)}")
        if extra := stored.keys() - fresh.keys():
            self.found.file("extra_rows", record, f"{len(extra)} besides {len(fresh)}")
        for name in sorted(fresh.keys() & stored.keys()):
            for field in _unequal(fresh[name], stored[name]):
                kind = "offsets" if field in _PLACE else "inconsistent"
                if field != "text":  # told by its hash
                    self.found.file(kind, record, f"row {name}: {field}")


def uncovered(text: str, rows: Sequence[Row]) -> int:
    """How many characters of a text, white space aside, stand in no row."""
    at = missed = 0
    for start, end in sorted((row.char_start, row.char_end) for row in rows):
        missed += len("".join(text[at:start].split())) if start > at else 0
        at = max(at, end)
    return missed + len("".join(text[at:].split()))


def _unequal(one: Row, other: Row) -> list[str]:
    values: Iterator[tuple[str, Any, Any]] = zip(Row._fields, one, other, strict=True)
    return [name for name, mine, theirs in values if mine != theirs]


def _change(record: FileRow) -> Change:
    # Without the row: no recorded hash is taken on trust.
    return Change(CHANGED, record.file_id, record.root_id, record.path, record.stat)


def _groups(files: Iterable[FileRow]) -> Iterator[list[FileRow]]:
    group: list[FileRow] = []
    rows = 0
    for record in files:
        group.append(record)
        rows += record.chunks
        if rows >= _ROWS_AT_ONCE or len(group) >= _ROWS_AT_ONCE:
            yield group
            group, rows = [], 0
    if group:
        yield group
