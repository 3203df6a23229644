"""The index: one LanceDB table of chunks with their vectors, and its versions.

Rows are added first and the rows they replace are deleted after, all of it in versions that no
reader looks at; a version becomes visible when the ledger names it (``Ledger.publish``). Filters
are LanceDB expressions, never text.
"""

import hashlib
import warnings
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from beast_assets.core.errors import BeastError, IndexDamagedError
from beast_assets.core.lance import lancedb

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

#: Of the table's columns and indices; an index of another version is built anew.
TABLE_VERSION = "3"
_DELETE_AT_ONCE = 1_000


class Row(NamedTuple):
    """A row of the index without its vector; positions and ``place`` are those of ``Chunk``."""

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
    place: str
    text: str


class VectorIndex(NamedTuple):
    """An index over the vectors.

    Attributes:
        state: another word after each change.
        segments: each maintenance puts new rows into one of their own.
        unindexed: rows that are in none: each search looks through them one by one.
    """

    state: str
    segments: int
    unindexed: int


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
            pa.field("place", pa.string(), nullable=False),
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
            if "://" not in uri:
                Path(uri).stat()  # to connect would make the folder
            table = _connect(uri).open_table(name)
            if version is not None:
                table.checkout(version)
            return cls(table)
        except Exception as error:  # a panic of the library below is of no other kind
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
        if not self.has_index("text") and self.count():
            self._table.create_index("text", config=words_index())
        return int(self._table.version)

    def optimize(self) -> None:
        """Merge fragments and fold all rows into the indices, until nothing is left to do."""
        before = -1
        while before != self.version:  # one pass leaves work for a second
            before = self.version
            self._table.optimize()

    def drop_versions(self, older_than: timedelta) -> None:
        """Remove versions of that age, save the latest, and their files."""
        # The one writer is here, under the lock: what no version names is a dead run's leaving.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "optimize.cleanup_older_than=0", UserWarning)
            self._table.optimize(cleanup_older_than=older_than, delete_unverified=True)

    def copy(self, uri: str, name: str, without: Collection[str] = ()) -> "ChunkIndex":
        """Write the rows in view, and nothing else of this table's files, to a new table.

        Args:
            uri: of the index.
            name: of the new table.
            without: names of files whose rows are left behind.

        Raises:
            IndexDamagedError: the rows cannot be read.
        """
        import pyarrow as pa

        connection = _connect(uri)
        connection.drop_table(name, ignore_missing=True)
        try:
            rows = pa.RecordBatchReader.from_batches(self._table.schema, self._living(without))
            return ChunkIndex(connection.create_table(name, data=rows))
        except (ValueError, RuntimeError, OSError) as error:
            raise IndexDamagedError(f"the index's rows cannot be copied: {error}") from error

    def _living(self, without: Collection[str]) -> "Iterator[pa.RecordBatch]":
        import pyarrow as pa
        import pyarrow.compute as pc

        gone = pa.array(sorted(without), pa.string())
        for batch in self._table.search().to_batches():
            kept = batch.filter(pc.invert(pc.is_in(batch["file_id"], value_set=gone)))
            # Versions count anew in the new table: older than any that a writer begins with.
            none = pa.array([0] * kept.num_rows, pa.int64())
            at = kept.schema.get_field_index("base_version")
            yield kept.set_column(at, kept.schema.field(at), none)

    def mend_indices(self) -> None:
        """Drop the indices whose files are lost or damaged; ``finish`` makes what readers need."""
        broken = self.broken_indices()
        for found in self._table.list_indices():
            if found.columns[0] in broken:
                self._table.drop_index(found.name)

    def broken_indices(self) -> list[str]:
        """The columns whose index does not answer."""
        columns = [found.columns[0] for found in self._table.list_indices()]
        return [column for column in columns if not self._answers(column)]

    def _answers(self, column: str) -> bool:
        vector = [0.1] * self.dimension
        query, kind = ("the a b c", "fts") if column == "text" else (vector, "vector")
        try:
            self._table.search(query, query_type=kind).limit(1).to_arrow()
        except Exception:  # as in ``open``
            return False
        return True

    # -- reading ---------------------------------------------------------------------------------

    def has_index(self, column: str) -> bool:
        """Whether a column is indexed in the version in view."""
        return any(column in found.columns for found in self._table.list_indices())

    def has_phrases(self) -> bool:
        """Whether the full-text index knows the order of words: before version 3 it did not."""
        details = [
            found.index_details for found in self._table.list_indices() if "text" in found.columns
        ]
        return bool(details) and all((each or {}).get("with_position") for each in details)

    def vector_index(self) -> VectorIndex | None:
        """The index over the vectors in the version in view; None if there is none."""
        for found in self._table.list_indices():
            if "vector" in found.columns:
                state = f"{found.index_uuid}:{found.num_segments}:{found.num_indexed_rows}"
                return VectorIndex(state, found.num_segments or 1, found.num_unindexed_rows or 0)
        return None

    def count(self) -> int:
        """Rows in the version in view."""
        return int(self._table.count_rows())

    @property
    def version(self) -> int:
        """The version in view."""
        return int(self._table.version)

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""
        return int(self._table.schema.field("vector").type.list_size)

    @property
    def table(self) -> Any:
        """The LanceDB table, at the version in view."""
        return self._table

    def text_hashes(self) -> Iterator[list[str]]:
        """``text_sha256`` of all rows in view, a batch at a time."""
        for batch in self._table.search().select(["text_sha256"]).to_batches():
            yield batch["text_sha256"].to_pylist()

    def check_columns(self) -> None:
        """See that the columns are ours: a damaged manifest may name others.

        Raises:
            IndexDamagedError: they are not.
        """
        with reading():  # the library panics over some manifests
            found = list(self._table.schema.names)
        if found != [*Row._fields, "base_version", "vector"]:
            raise IndexDamagedError(f"the index has other columns than its own: {found}")

    def rows_of(self, file_id: str, *, texts: bool = False) -> list[dict[str, Any]]:
        """A file's rows in the order of the text, with ``_rowid`` and without vectors.

        Args:
            file_id: the file's name.
            texts: with the column ``text``.

        Raises:
            IndexDamagedError: the rows cannot be read.
        """
        from lancedb.expr import col, lit

        left_out = ("vector",) if texts else ("text", "vector")
        columns = [name for name in self._table.schema.names if name not in left_out]
        with reading():
            search = self._table.search().where(col("file_id") == lit(file_id)).select(columns)
            rows: list[dict[str, Any]] = search.with_row_id(True).to_arrow().to_pylist()
        return sorted(rows, key=lambda row: int(row["char_start"]))

    def digests(self) -> dict[str, tuple[int, str]]:
        """Number and ``rows_digest`` of each file's rows, by the file's name.

        Raises:
            IndexDamagedError: the rows cannot be read.
        """
        chunk_ids: dict[str, list[str]] = defaultdict(list)
        with reading():
            batches = self._table.search().select(["file_id", "chunk_id"]).to_batches()
            for batch in batches:
                pairs = zip(
                    batch["file_id"].to_pylist(), batch["chunk_id"].to_pylist(), strict=True
                )
                for file, chunk in pairs:
                    chunk_ids[file].append(chunk)
        return {file: (len(names), rows_digest(names)) for file, names in chunk_ids.items()}


def words_index() -> Any:
    """Configuration of the full-text index: all words and their positions.

    So what is quoted can be found (docs/decisions.md).
    """
    from lancedb.index import FTS

    return FTS(with_position=True, remove_stop_words=False)


def next_table(index_name: str, before: str | None) -> str:
    """The name of the table that takes the place of another, or of none."""
    number = int(before.rpartition("_")[2]) if before else 0
    return f"chunks_{index_name}_{number + 1}"


def tables_of(uri: str, index_name: str) -> set[str]:
    """Every table of ours that is there, those of dead runs too."""
    connection, found, token = _connect(uri), set[str](), None
    while True:
        page = connection.list_tables(page_token=token)
        found.update(page.tables)
        token = page.page_token
        if not token:
            return {name for name in found if name.startswith(f"chunks_{index_name}_")}


@contextmanager
def reading() -> Iterator[None]:
    """Read rows: what the libraries below raise for damaged files is one error.

    Raises:
        IndexDamagedError: the rows cannot be read.
    """
    try:
        yield
    except BeastError:
        raise
    except Exception as error:  # as in ``open``
        raise IndexDamagedError(
            f"the index's rows cannot be read ({error}): run `beast index` to repair it"
        ) from error


def drop_tables(uri: str, names: Iterable[str]) -> None:
    """Remove tables; one that is not there is no error."""
    connection = _connect(uri)
    for name in names:
        connection.drop_table(name, ignore_missing=True)


def _connect(uri: str) -> Any:
    return lancedb().connect(uri)
