"""The index: one LanceDB table of chunks with their vectors, and its versions.

Rows are added first and the rows they replace are deleted after, all of it in versions that no
reader looks at; a version becomes visible when the ledger names it (``Ledger.publish``). Filters
are LanceDB expressions, never text.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from beast_assets.core.errors import IndexDamagedError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_DELETE_AT_ONCE = 1_000
# Exact search takes 8 ms at 10,000 rows, 30 at 30,000, 150 at 100,000; an index 7 at 100,000.
ANN_FROM_ROWS = 20_000


class Row(NamedTuple):
    """A row of the index without its vector; positions count characters of the extracted text."""

    chunk_id: str
    file_id: str
    root_id: str
    path: bytes
    content_sha256: str
    text_sha256: str
    char_start: int
    char_end: int
    line_start: int
    line_end: int
    text: str


def schema(dimension: int) -> "pa.Schema":
    """Columns of the table; ``vector`` is float16 of the model's dimension, unit length."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("chunk_id", pa.string(), nullable=False),
            pa.field("file_id", pa.string(), nullable=False),
            pa.field("root_id", pa.string(), nullable=False),
            pa.field("path", pa.binary(), nullable=False),
            pa.field("content_sha256", pa.string(), nullable=False),
            pa.field("text_sha256", pa.string(), nullable=False),
            pa.field("char_start", pa.int64(), nullable=False),
            pa.field("char_end", pa.int64(), nullable=False),
            pa.field("line_start", pa.int64(), nullable=False),
            pa.field("line_end", pa.int64(), nullable=False),
            pa.field("text", pa.string(), nullable=False),
            pa.field("base_version", pa.int64(), nullable=False),
            pa.field("vector", pa.list_(pa.float16(), dimension), nullable=False),
        ]
    )


def rows_digest(chunk_ids: Iterable[str]) -> str:
    """What a file's rows are, in one word: SHA-256 over their sorted names."""
    return hashlib.sha256("\n".join(sorted(chunk_ids)).encode()).hexdigest()


class ChunkIndex:
    """A table of the index, opened for reading at a version or for writing."""

    def __init__(self, table: Any) -> None:
        self._table = table
        self._base = int(table.version)

    # -- opening ---------------------------------------------------------------------------------

    @classmethod
    def create(cls, uri: str, name: str, dimension: int) -> "ChunkIndex":
        """Make an empty table, in the place of one of this name that a dead run may have left."""
        connection = _connect(uri)
        # Dropped, not overwritten: what stands there may be too damaged to open.
        connection.drop_table(name, ignore_missing=True)
        return cls(connection.create_table(name, schema=schema(dimension)))

    @classmethod
    def open(cls, uri: str, name: str, version: int | None = None) -> "ChunkIndex":
        """Open a table, at a version if one is given.

        Raises:
            IndexDamagedError: the table or the version is not there, or cannot be read.
        """
        try:
            table = _connect(uri).open_table(name)
            if version is not None:
                table.checkout(version)
            return cls(table)
        except (ValueError, RuntimeError, OSError) as error:
            raise IndexDamagedError(
                f"the index at {uri} cannot be read ({error}): run `beast index` to repair it"
            ) from error

    def begin(self, version: int | None) -> None:
        """Make ready to write on top of a published version; what came after it is undone."""
        self._table.checkout_latest()
        if version is not None and self._table.version != version:
            self._table.checkout(version)
            self._table.restore()
        self._base = int(self._table.version)

    # -- writing ---------------------------------------------------------------------------------

    def add(self, rows: Sequence[Row], vectors: "NDArray[np.float16]") -> None:
        """Append rows, in one commit.

        Args:
            rows: n rows.
            vectors: float16, (n, dimension).
        """
        import pyarrow as pa

        columns: dict[str, Any] = {
            name: [getattr(row, name) for row in rows] for name in Row._fields
        }
        columns["base_version"] = [self._base] * len(rows)
        flat = pa.array(vectors.reshape(-1))
        columns["vector"] = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
        self._table.add(pa.table(columns, schema=schema(vectors.shape[1])))

    def delete_older(self, file_ids: Sequence[str]) -> None:
        """Delete the rows that these files had before this writer began."""
        from lancedb.expr import col, lit

        for start in range(0, len(file_ids), _DELETE_AT_ONCE):
            part = list(file_ids[start : start + _DELETE_AT_ONCE])
            self._table.delete(col("file_id").isin(part) & (col("base_version") < lit(self._base)))

    def finish(self) -> int:
        """Make the latest version fit for readers and give its number."""
        from lancedb.index import FTS

        if not self.has_index("text") and self.count():
            self._table.create_index("text", config=FTS())
        return int(self._table.version)

    def optimize(self) -> None:
        """Merge fragments and fold all rows into the indices, until nothing is left to do."""
        from lancedb.index import IvfRq

        if self.count() >= ANN_FROM_ROWS and not self.has_index("vector"):
            self._table.create_index("vector", config=IvfRq(distance_type="dot"))
        before = -1
        while before != self.version:  # one pass leaves work for a second
            before = self.version
            self._table.optimize()

    def drop_versions(self, older_than: timedelta) -> None:
        """Remove versions of that age, save the latest, and their files."""
        # The one writer is here, under the lock: what no version names is a dead run's leaving.
        self._table.optimize(cleanup_older_than=older_than, delete_unverified=True)

    def mend_indices(self) -> None:
        """Drop the indices whose files are lost or damaged; ``finish`` makes what readers need."""
        for found in self._table.list_indices():
            if not self._answers(found.columns[0]):
                self._table.drop_index(found.name)

    def _answers(self, column: str) -> bool:
        dimension = self._table.schema.field("vector").type.list_size
        query, kind = ("the a b c", "fts") if column == "text" else ([0.1] * dimension, "vector")
        try:
            self._table.search(query, query_type=kind).limit(1).to_arrow()
        except (ValueError, RuntimeError, OSError):
            return False
        return True

    # -- reading ---------------------------------------------------------------------------------

    def has_index(self, column: str) -> bool:
        """Whether a column is indexed in the version in view."""
        return any(column in found.columns for found in self._table.list_indices())

    def count(self) -> int:
        """Rows in the version in view."""
        return int(self._table.count_rows())

    @property
    def version(self) -> int:
        """The version in view."""
        return int(self._table.version)

    @property
    def table(self) -> Any:
        """The LanceDB table, at the version in view."""
        return self._table

    def digests(self) -> dict[str, tuple[int, str]]:
        """Number and ``rows_digest`` of each file's rows, by the file's name.

        Raises:
            IndexDamagedError: the rows cannot be read.
        """
        chunk_ids: dict[str, list[str]] = defaultdict(list)
        try:
            batches = self._table.search().select(["file_id", "chunk_id"]).to_batches()
            for batch in batches:
                pairs = zip(
                    batch["file_id"].to_pylist(), batch["chunk_id"].to_pylist(), strict=True
                )
                for file, chunk in pairs:
                    chunk_ids[file].append(chunk)
        except (ValueError, RuntimeError, OSError) as error:
            raise IndexDamagedError(f"the index's rows cannot be read: {error}") from error
        return {file: (len(names), rows_digest(names)) for file, names in chunk_ids.items()}


def drop_tables(uri: str, names: Iterable[str]) -> None:
    """Remove tables; one that is not there is no error."""
    connection = _connect(uri)
    for name in names:
        connection.drop_table(name, ignore_missing=True)


def table_names(uri: str) -> list[str]:
    """The tables of the database, other people's too."""
    return list(_connect(uri).list_tables().tables)


def _connect(uri: str) -> Any:
    import lancedb

    return lancedb.connect(uri)
