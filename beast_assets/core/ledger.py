"""What was scanned, hashed, chunked and embedded: the one record beside the index itself.

A file's row has two halves. The *observed* half (stat, content) is what was last seen on disk; it
may be written at any time. The *indexed* half is what the published version of the index holds; it
is written in the one transaction that publishes, together with the version's number. A run is
needed exactly where the halves disagree.
"""

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from beast_assets.core import ids
from beast_assets.core.database import engine_for, parse_url, slices, upsert
from beast_assets.core.errors import NoIndexError, RecipeMismatchError
from beast_assets.core.hashing import SETTLED_MARGIN_NS
from beast_assets.core.records import Stat

SCHEMA_VERSION = "1"

_metadata = sa.MetaData()

_meta = sa.Table(
    "meta",
    _metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

_roots = sa.Table(
    "roots",
    _metadata,
    sa.Column("root_id", sa.String(16), primary_key=True),
    sa.Column("path", sa.LargeBinary, nullable=False),
    sa.Column("added_ns", sa.BigInteger, nullable=False),
)

_files = sa.Table(
    "files",
    _metadata,
    sa.Column("file_id", sa.String(32), primary_key=True),
    sa.Column("root_id", sa.String(16), nullable=False),
    sa.Column("path", sa.LargeBinary, nullable=False),
    # observed
    sa.Column("regular", sa.Boolean, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("mtime_ns", sa.BigInteger, nullable=False),
    sa.Column("ctime_ns", sa.BigInteger, nullable=False),
    sa.Column("inode", sa.BigInteger, nullable=False),
    sa.Column("hashed_ns", sa.BigInteger, nullable=False),
    sa.Column("content", sa.Text),
    # indexed
    sa.Column("indexed", sa.Text),
    sa.Column("status", sa.String(16)),
    sa.Column("reason", sa.Text),
    sa.Column("extractor", sa.String(32)),
    sa.Column("chunks", sa.Integer, nullable=False, default=0),
    sa.Column("rows_digest", sa.String(64)),
)

_runs = sa.Table(
    "runs",
    _metadata,
    sa.Column("run_id", sa.String(64), primary_key=True),
    sa.Column("ended_ns", sa.BigInteger, nullable=False),
    sa.Column("report", sa.Text, nullable=False),
)

_NOT_INDEXED: dict[str, Any] = {"indexed": None, "chunks": 0, "rows_digest": None}
_OBSERVED = ("regular", "size", "mtime_ns", "ctime_ns", "inode", "hashed_ns", "content")
_INDEXED = ("indexed", "status", "reason", "extractor", "chunks", "rows_digest")

INDEXED = "indexed"
SKIPPED = "skipped"
QUARANTINED = "quarantined"


class Root(NamedTuple):
    """A folder that is indexed; ``path`` is absolute, raw bytes."""

    root_id: str
    path: bytes


class FileRow(NamedTuple):
    """A row of ``files``: times in nanoseconds, ``content`` and ``indexed`` as ``content_key``."""

    file_id: str
    root_id: str
    path: bytes
    regular: bool
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    hashed_ns: int
    content: str | None
    indexed: str | None
    status: str | None
    reason: str | None
    extractor: str | None
    chunks: int
    rows_digest: str | None

    @property
    def stat(self) -> Stat:
        """The stat that was observed with the content."""
        return Stat(self.size, self.mtime_ns, self.ctime_ns, self.inode)


class Observed(NamedTuple):
    """The observed half of a file's row; ``hashed_ns`` is when reading its content began."""

    file_id: str
    root_id: str
    path: bytes
    regular: bool
    stat: Stat
    hashed_ns: int
    content: str | None


class Indexed(NamedTuple):
    """The indexed half of a file's row; ``rows_digest`` is ``index.rows_digest`` of its chunks."""

    file_id: str
    content: str
    status: str
    reason: str | None
    extractor: str | None
    chunks: int
    rows_digest: str | None


@dataclass(frozen=True)
class Published:
    """Where readers look: a table of the index and a version of it."""

    table: str
    version: int


@dataclass
class Publication:
    """What one run publishes, in one transaction.

    Attributes:
        published: the version of the index that is complete with this.
        indexed: files whose rows are in it now.
        removed: names of files that are gone.
        recipe: what the index is built with.
        model: the setting that named the model.
        rebuilt: a new table took the old one's place: what was not written is not in it.
    """

    published: Published
    recipe: Mapping[str, str]
    model: str = ""
    rebuilt: bool = False
    indexed: list[Indexed] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def content_key(sha256: str | None, problem: str | None) -> str | None:
    """What a file holds, in one word: its SHA-256, or ``!`` and why there is none."""
    return f"!{problem}" if problem is not None else sha256


class Ledger:
    """The ledger in a database; any URL of SQLAlchemy, SQLite and PostgreSQL meant."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> "Ledger":
        """Open the ledger, making its tables where they are missing.

        Raises:
            RecipeMismatchError: another version of beast_assets laid it out.
        """
        ledger = cls(engine_for(url))
        _metadata.create_all(ledger._engine)
        with ledger._engine.begin() as connection:
            upsert(
                connection, _meta, [{"key": "schema_version", "value": SCHEMA_VERSION}], update=()
            )
        ledger._check_schema()
        return ledger

    @classmethod
    def open_existing(cls, url: str) -> "Ledger":
        """Open the ledger for reading.

        Raises:
            NoIndexError: there is none.
            RecipeMismatchError: another version of beast_assets laid it out.
        """
        parsed = parse_url(url)
        missing = parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists()
        ledger = None if missing else cls(engine_for(url))
        if ledger is None or not sa.inspect(ledger._engine).has_table("meta"):
            raise NoIndexError("there is no index here yet: run `beast index DIR` first")
        ledger._check_schema()
        return ledger

    def _check_schema(self) -> None:
        found = self.meta("schema_version")
        if found != SCHEMA_VERSION:
            raise RecipeMismatchError(
                f"the ledger has schema {found}, this beast_assets reads schema {SCHEMA_VERSION}: "
                "use the version that made it, or index anew with another --home"
            )

    # -- meta ------------------------------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        """A fact about the whole index, by name."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(_meta.c.value).where(_meta.c.key == key))

    def set_meta(self, key: str, value: str) -> None:
        """Record a fact about the whole index."""
        with self._engine.begin() as connection:
            _put_meta(connection, {key: value})

    def buckets(self) -> int | None:
        """How many buckets the index has; None before the first run fixed it."""
        value = self.meta("buckets")
        return None if value is None else int(value)

    def recipe(self) -> dict[str, str] | None:
        """What the published index was built with; None before the first publication."""
        value = self.meta("recipe")
        return None if value is None else dict(json.loads(value))

    def published(self) -> Published | None:
        """Where readers look; None before the first publication."""
        value = self.meta("published")
        return None if value is None else Published(**json.loads(value))

    def view(self) -> tuple[Published, dict[str, str]] | None:
        """Where readers look and what that was built with, of one and the same publication."""
        keys = ("published", "recipe")
        with self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(_meta.c.key, _meta.c.value).where(_meta.c.key.in_(keys))
            )
            found = {key: json.loads(value) for key, value in rows}
        if len(found) < len(keys):
            return None
        return Published(**found["published"]), found["recipe"]

    def index_name(self) -> str:
        """A word for this ledger in the names of its tables: other tables are not ours."""
        name = self.meta("index_name")
        if name is None:
            name = hashlib.sha256(str(self._engine.url).encode()).hexdigest()[:8]
            self.set_meta("index_name", name)
        return name

    def retired_tables(self, keep: timedelta) -> list[str]:
        """Tables that a rebuild replaced longer ago than ``keep``."""
        retired: dict[str, int] = json.loads(self.meta("retired") or "{}")
        until = time.time_ns() - int(keep.total_seconds() * 1e9)
        return [name for name, since in retired.items() if since <= until]

    # -- roots -----------------------------------------------------------------------------------

    def roots(self) -> list[Root]:
        """The folders that are indexed, by path."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(_roots.c.root_id, _roots.c.path).order_by(_roots.c.path)
            )
            return [Root(*row) for row in rows]

    def add_root(self, path: bytes) -> Root:
        """Register a folder by its absolute path; one that is there already stays."""
        root = Root(ids.root_id(path), path)
        row = {"root_id": root.root_id, "path": path, "added_ns": time.time_ns()}
        with self._engine.begin() as connection:
            upsert(connection, _roots, [row], update=())
        return root

    def remove_root(self, root_id: str) -> None:
        """Forget a folder; the next run takes its files out of the index."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_roots).where(_roots.c.root_id == root_id))

    # -- files -----------------------------------------------------------------------------------

    def files(self) -> list[FileRow]:
        """Every row, in no order, read in one go."""
        with self._engine.connect() as connection:
            return list(map(FileRow._make, _raw(connection, sa.select(*_ROW))))

    def quiet(self) -> dict[str, dict[bytes, tuple[int, ...]]]:
        """What a scan has to find again for a file to count as unchanged.

        Only files that are indexed as they were last seen, and were settled when they were hashed:
        an equal stat proves that they are the same.

        Returns:
            Root → path → (size, mtime_ns, ctime_ns, inode).
        """
        statement = sa.select(
            _files.c.root_id,
            _files.c.path,
            _files.c.size,
            _files.c.mtime_ns,
            _files.c.ctime_ns,
            _files.c.inode,
        ).where(sa.not_(_LOUD))
        found: dict[str, dict[bytes, tuple[int, ...]]] = defaultdict(dict)
        with self._engine.connect() as connection:
            for root, path, *stat in _raw(connection, statement):
                found[root][path] = tuple(stat)
        return found

    def loud(self) -> list[FileRow]:
        """The rows that ``quiet`` leaves out."""
        with self._engine.connect() as connection:
            return list(map(FileRow._make, _raw(connection, sa.select(*_ROW).where(_LOUD))))

    def named(self, file_ids: Sequence[str]) -> list[FileRow]:
        """The rows of these files, where there are any."""
        found: list[FileRow] = []
        with self._engine.connect() as connection:
            for part in slices(file_ids):
                statement = sa.select(*_ROW).where(_files.c.file_id.in_(part))
                found += map(FileRow._make, connection.execute(statement))
        return found

    def file(self, file_id: str) -> FileRow | None:
        """One row by name."""
        return next(iter(self.named([file_id])), None)

    def observe(self, observed: Iterable[Observed]) -> None:
        """Write the observed halves; new files get a row that is not indexed yet."""
        rows = [
            {
                "file_id": item.file_id,
                "root_id": item.root_id,
                "path": item.path,
                "regular": item.regular,
                "size": item.stat.size,
                "mtime_ns": item.stat.mtime_ns,
                "ctime_ns": item.stat.ctime_ns,
                "inode": item.stat.inode,
                "hashed_ns": item.hashed_ns,
                "content": item.content,
                "chunks": 0,
            }
            for item in observed
        ]
        with self._engine.begin() as connection:
            upsert(connection, _files, rows, update=_OBSERVED)

    def forget(self, file_ids: Sequence[str]) -> None:
        """Drop rows of files that were never published and are gone."""
        with self._engine.begin() as connection:
            _delete_files(connection, file_ids)

    def distrust(self, file_ids: Sequence[str] | None) -> None:
        """State that the index does not hold what these rows say (None: any row)."""
        statement = sa.update(_files).values(_NOT_INDEXED)
        with self._engine.begin() as connection:
            if file_ids is None:
                connection.execute(statement)
                return
            for part in slices(file_ids):
                connection.execute(statement.where(_files.c.file_id.in_(part)))

    def reconsider(self, reasons: str, but: str) -> None:
        """Mark as not indexed what was skipped for a reason like ``reasons``, save ``but``."""
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(_files)
                .where(_files.c.reason.like(reasons), _files.c.reason != but)
                .values({**_NOT_INDEXED, "reason": None})
            )

    def unpublish(self) -> None:
        """State that no version of the index can be read: readers find none, a run makes one."""
        self.distrust(None)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(_meta).where(_meta.c.key == "published"))
            _put_meta(connection, {"lost": "1"})

    def is_lost(self) -> bool:
        """Whether an index that was complete is to be restored as a whole."""
        return self.meta("lost") == "1"

    def republish(self, published: Published) -> None:
        """Point readers to another version of the index, as it was found there."""
        with self._engine.begin() as connection:
            _put_meta(connection, {"published": _published_json(published)})

    def publish(self, publication: Publication) -> None:
        """Make a version of the index the one that readers see: the commit point of a run."""
        retired: dict[str, int] = json.loads(self.meta("retired") or "{}")
        before = self.published()
        if before is not None:
            retired[before.table] = time.time_ns()
        retired.pop(publication.published.table, None)
        with self._engine.begin() as connection:
            if publication.rebuilt:
                connection.execute(sa.update(_files).values(_NOT_INDEXED))
            if publication.indexed:
                connection.execute(
                    sa.update(_files)
                    .where(_files.c.file_id == sa.bindparam("key"))
                    .values({name: sa.bindparam(f"new_{name}") for name in _INDEXED}),
                    [_indexed_parameters(item) for item in publication.indexed],
                )
            _delete_files(connection, publication.removed)
            _put_meta(
                connection,
                {
                    "published": _published_json(publication.published),
                    "published_ns": str(time.time_ns()),
                    "recipe": json.dumps(dict(publication.recipe), sort_keys=True),
                    "model": publication.model,
                    "retired": json.dumps(retired),
                    "fingerprint": "",
                    "lost": "",
                },
            )

    # -- reports ---------------------------------------------------------------------------------

    def record_run(self, run_id: str, report: Mapping[str, Any]) -> None:
        """Keep what a run did."""
        row = {"run_id": run_id, "ended_ns": time.time_ns(), "report": json.dumps(report)}
        with self._engine.begin() as connection:
            upsert(connection, _runs, [row], update=("ended_ns", "report"))

    def run_report(self, run_id: str) -> dict[str, Any] | None:
        """What a run did, as ``record_run`` was given it."""
        with self._engine.connect() as connection:
            value = connection.scalar(sa.select(_runs.c.report).where(_runs.c.run_id == run_id))
        if value is None:
            return None
        report: dict[str, Any] = json.loads(value)
        return report

    def totals(self) -> dict[str, int]:
        """Counts over what is published: files, chunks, and rows by status."""
        regular = sa.func.sum(sa.case((_files.c.regular, 1), else_=0))
        query = (
            sa.select(_files.c.status, sa.func.count(), regular, sa.func.sum(_files.c.chunks))
            .where(_files.c.indexed.is_not(None))
            .group_by(_files.c.status)
        )
        totals = {"files": 0, "chunks": 0, INDEXED: 0, SKIPPED: 0, QUARANTINED: 0}
        with self._engine.connect() as connection:
            for status, rows, files, chunks in connection.execute(query):
                totals["files"] += int(files)
                totals["chunks"] += int(chunks)
                totals[status] += int(rows)
        return totals


_ROW = [_files.c[name] for name in FileRow._fields]
# Every row that an equal stat does not prove unchanged; NULL is spelled out, for a comparison with
# it is neither true nor false.
_LOUD = sa.or_(
    sa.not_(_files.c.regular),
    _files.c.content.is_(None),
    _files.c.indexed.is_(None),
    _files.c.content != _files.c.indexed,
    _files.c.hashed_ns < _files.c.mtime_ns + SETTLED_MARGIN_NS,
    _files.c.hashed_ns < _files.c.ctime_ns + SETTLED_MARGIN_NS,
)


def _raw(connection: sa.Connection, statement: sa.Select[Any]) -> list[tuple[Any, ...]]:
    """Rows as SQLite's driver gives them: as ``sa.Row``, 100,000 cost three times as much."""
    if connection.dialect.name != "sqlite":
        return [tuple(row) for row in connection.execute(statement)]
    compiled = statement.compile(connection.engine, compile_kwargs={"literal_binds": True})
    cursor = connection.exec_driver_sql(str(compiled)).cursor
    return [] if cursor is None else list(cursor.fetchall())


def _put_meta(connection: sa.Connection, values: Mapping[str, str]) -> None:
    rows = [{"key": key, "value": value} for key, value in values.items()]
    upsert(connection, _meta, rows, update=("value",))


def _published_json(published: Published) -> str:
    return json.dumps({"table": published.table, "version": published.version})


def _delete_files(connection: sa.Connection, file_ids: Sequence[str]) -> None:
    for part in slices(file_ids):
        connection.execute(sa.delete(_files).where(_files.c.file_id.in_(part)))


def _indexed_parameters(item: Indexed) -> dict[str, Any]:
    return {
        "key": item.file_id,
        "new_indexed": item.content,
        "new_status": item.status,
        "new_reason": item.reason,
        "new_extractor": item.extractor,
        "new_chunks": item.chunks,
        "new_rows_digest": item.rows_digest,
    }
