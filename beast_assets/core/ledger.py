"""What was scanned, hashed, chunked and embedded: the one record beside the index itself.

A file's row has two halves. The *observed* half (stat, content) is what was last seen on disk; it
may be written at any time. The *indexed* half is what the published version of the index holds; it
is written in the one transaction that publishes, together with the version's number. A run is
needed exactly where the halves disagree.
"""

import hashlib
import json
import logging
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from beast_assets.core import ids
from beast_assets.core import ledger_rows as rows
from beast_assets.core import ledger_tables as tables
from beast_assets.core.database import (
    complain,
    engine_for,
    integrity,
    parse_url,
    slices,
    upsert,
)
from beast_assets.core.errors import DatabaseDamagedError, NoIndexError, RecipeMismatchError
from beast_assets.core.ledger_rows import FileRow, Indexed, Observed, Publication, Published, Root
from beast_assets.core.roots_copy import read_copy, write_copy
from beast_assets.core.snapshot import Snapshot, of_rows

_log = logging.getLogger(__name__)

#: The fact when the last look at the disk was made that met all roots: nanoseconds.
SCANNED = "scanned_ns"

_NOT_INDEXED: dict[str, Any] = {"indexed": None, "chunks": 0, "rows_digest": None}
# No content is ever this: the halves of the row disagree until the file was read again.
_OUTDATED = "!outdated"
_OBSERVED = ("regular", "size", "mtime_ns", "ctime_ns", "inode", "hashed_ns", "content")
_INDEXED = ("indexed", "status", "reason", "extractor", "chunks", "rows_digest")


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
        tables.metadata.create_all(ledger._engine)
        if ledger.meta("schema_version") is None:
            ledger._begin()
        ledger._check_schema()
        ledger._recall_roots()
        if ledger.meta("schema_version") in tables.ADDED_TO:
            for index in tables.INDEXES:
                index.create(ledger._engine, checkfirst=True)
            # From now on an older beast_assets is refused: it would not keep these in step.
            ledger.set_meta("schema_version", tables.SCHEMA_VERSION)
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
        begun = ledger is not None and sa.inspect(ledger._engine).has_table("meta")
        if ledger is None or not begun or ledger.meta("schema_version") is None:
            raise NoIndexError("there is no index here yet: run `beast index DIR` first")
        ledger._check_schema()
        return ledger

    def _begin(self) -> None:
        version = {"key": "schema_version", "value": tables.SCHEMA_VERSION}
        with self._engine.begin() as connection:
            upsert(connection, tables.meta, [version], update=())

    def _recall_roots(self) -> None:
        """Take back the roots that only the copy has: this ledger is new, or older than the copy.

        Raises:
            DatabaseDamagedError: a root has another name than its path gives.
        """
        roots = self.roots()
        if any(ids.root_id(root.path) != root.root_id for root in roots):
            raise DatabaseDamagedError("the ledger's database is damaged (a root has another name)")
        if set(read_copy(self._engine.url)) == {root.path for root in roots}:
            return
        with self._engine.begin() as connection:
            # A write first: whoever changes the roots, and their copy, is waited for.
            connection.execute(sa.delete(tables.roots).where(tables.roots.c.root_id == ""))
            known = set(connection.scalars(sa.select(tables.roots.c.path)))
            lost = [path for path in read_copy(self._engine.url) if path not in known]
            upsert(connection, tables.roots, list(map(_root_row, lost)), update=())
            self._copy_roots(connection)
        if lost:
            _log.warning(
                "the ledger did not know of %d folders: they are back from a copy", len(lost)
            )

    def check(self, *, whole: bool) -> None:
        """See that the database's structure is whole: 46 ms for 100,000 files.

        Args:
            whole: look at the files' rows as well, not only at the small tables (0.5 ms).

        Raises:
            DatabaseDamagedError: it is not.
        """
        if self._engine.dialect.name != "sqlite":
            return
        small = [f"'{table.name}'" for table in (tables.meta, tables.roots, tables.runs)]
        with self._engine.connect() as connection:
            for part in ["1"] if whole else small:
                found = connection.exec_driver_sql(f"PRAGMA quick_check({part})").scalar()
                if found != "ok":
                    raise DatabaseDamagedError(f"the ledger's database is damaged ({found})")

    def _check_schema(self) -> None:
        found = self.meta("schema_version")
        if found not in (tables.SCHEMA_VERSION, *tables.ADDED_TO):
            raise RecipeMismatchError(
                f"the ledger has schema {found}, this beast_assets reads schema "
                f"{tables.SCHEMA_VERSION}: use the version that made it, or index anew with "
                "another --home"
            )

    # -- meta ------------------------------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        """A fact about the whole index, by name."""
        with self._engine.connect() as connection:
            return connection.scalar(sa.select(tables.meta.c.value).where(tables.meta.c.key == key))

    def set_meta(self, key: str, value: str) -> None:
        """Record a fact about the whole index."""
        with self._engine.begin() as connection:
            _put_meta(connection, {key: value})

    def buckets(self) -> int | None:
        """How many buckets the index has; None before the first run fixed it."""
        return _parsed(int, self.meta("buckets"))

    def recipe(self) -> dict[str, str] | None:
        """What the published index was built with; None before the first publication."""
        return _parsed(_recipe, self.meta("recipe"))

    def published(self) -> Published | None:
        """Where readers look; None before the first publication."""
        return _parsed(_published, self.meta("published"))

    def view(self) -> tuple[Published, dict[str, str]] | None:
        """Where readers look and what that was built with, of one and the same publication."""
        keys = ("published", "recipe")
        with self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(tables.meta.c.key, tables.meta.c.value).where(tables.meta.c.key.in_(keys))
            )
            found = {key: value for key, value in rows}
        published = _parsed(_published, found.get("published"))
        recipe = _parsed(_recipe, found.get("recipe"))
        return None if published is None or recipe is None else (published, recipe)

    def index_name(self) -> str:
        """A word for this ledger in the names of its tables: other tables are not ours."""
        name = self.meta("index_name")
        if name is None:
            name = hashlib.sha256(str(self._engine.url).encode()).hexdigest()[:8]
            self.set_meta("index_name", name)
        return name

    def retired_tables(self, keep: timedelta) -> list[str]:
        """Tables that a rebuild replaced longer ago than ``keep``."""
        retired = self._retired()
        until = time.time_ns() - int(keep.total_seconds() * 1e9)
        return [name for name, since in retired.items() if since <= until]

    def _retired(self) -> dict[str, int]:
        return _parsed(json.loads, self.meta("retired")) or {}

    # -- roots -----------------------------------------------------------------------------------

    def roots(self) -> list[Root]:
        """The folders that are indexed, by path."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(tables.roots.c.root_id, tables.roots.c.path).order_by(tables.roots.c.path)
            )
            return [Root(*row) for row in rows]

    def add_root(self, path: bytes) -> Root:
        """Register a folder by its absolute path; one that is there already stays."""
        root = Root(ids.root_id(path), path)
        with self._engine.begin() as connection:
            upsert(connection, tables.roots, [_root_row(path)], update=())
            self._copy_roots(connection)
        return root

    def remove_root(self, root_id: str) -> None:
        """Forget a folder; the next run takes its files out of the index."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(tables.roots).where(tables.roots.c.root_id == root_id))
            self._copy_roots(connection)

    def _copy_roots(self, connection: sa.Connection) -> None:
        # Before the commit: a folder that was removed must not come back from the copy.
        paths = connection.scalars(sa.select(tables.roots.c.path).order_by(tables.roots.c.path))
        write_copy(self._engine.url, paths)

    # -- files -----------------------------------------------------------------------------------

    def files(self) -> list[FileRow]:
        """Every row, in no order, read in one go."""
        with self._engine.connect() as connection:
            return list(map(FileRow._make, _raw(connection, sa.select(*tables.ROW))))

    def quiet(self) -> dict[str, Snapshot]:
        """What a scan has to find again for a file to count as unchanged, by root.

        Only files that are indexed as they were last seen, and were settled when they were hashed:
        an equal stat proves that they are the same.
        """
        statement = sa.select(
            tables.files.c.root_id,
            tables.files.c.path,
            tables.files.c.size,
            tables.files.c.mtime_ns,
            tables.files.c.ctime_ns,
            tables.files.c.inode,
        ).where(sa.not_(tables.LOUD))
        rows: dict[str, list[tuple[bytes, int, int, int, int]]] = defaultdict(list)
        with self._engine.connect() as connection:
            for root, *row in _raw(connection, statement):
                rows[root].append(tuple(row))
        return {root: of_rows(found) for root, found in rows.items()}

    def snapshot(self) -> bytes | None:
        """What ``keep_snapshot`` was given, unless a file's row was written since."""
        with self._engine.connect() as connection:
            data: bytes | None = connection.scalar(sa.select(tables.snapshot.c.data))
            return data

    def keep_snapshot(self, data: bytes) -> None:
        """Keep the answer of ``quiet`` in a form that is read in one go; the lock is held."""
        with self._engine.begin() as connection:
            upsert(connection, tables.snapshot, [{"number": 1, "data": data}], update=("data",))

    def searchable(self) -> list[tuple[str, str, bytes, int]]:
        """Name, root, path and mtime in nanoseconds of every file that has rows, in no order."""
        columns = tables.files.c
        statement = sa.select(
            columns.file_id, columns.root_id, columns.path, columns.mtime_ns
        ).where(columns.chunks > 0)
        with self._engine.connect() as connection:
            return [(one, root, path, ns) for one, root, path, ns in _raw(connection, statement)]

    @property
    def file_path(self) -> Path | None:
        """The database's file; None for a server's."""
        url = self._engine.url
        sqlite = url.get_backend_name() == "sqlite" and url.database
        return Path(str(url.database)) if sqlite else None

    def loud(self) -> list[FileRow]:
        """The rows that ``quiet`` leaves out."""
        with self._engine.connect() as connection:
            return list(
                map(FileRow._make, _raw(connection, sa.select(*tables.ROW).where(tables.LOUD)))
            )

    def named(self, file_ids: Sequence[str]) -> list[FileRow]:
        """The rows of these files, where there are any."""
        found: list[FileRow] = []
        with self._engine.connect() as connection:
            for part in slices(file_ids):
                statement = sa.select(*tables.ROW).where(tables.files.c.file_id.in_(part))
                found += map(FileRow._make, connection.execute(statement))
        return found

    def file(self, file_id: str) -> FileRow | None:
        """One row by name."""
        return next(iter(self.named([file_id])), None)

    def count_indexed(self, root_id: str) -> int:
        """How many regular files of a root the published index knows."""
        query = sa.select(sa.func.count()).where(
            tables.files.c.root_id == root_id,
            tables.files.c.regular,
            tables.files.c.indexed.is_not(None),
        )
        with self._engine.connect() as connection:
            return int(connection.scalar(query) or 0)

    def explained(self) -> list[FileRow]:
        """The rows without text, by path: quarantined, skipped, or to be tried again."""
        statement = sa.select(*tables.ROW).where(tables.files.c.reason.is_not(None))
        with self._engine.connect() as connection:
            found = map(FileRow._make, connection.execute(statement))
            return sorted(found, key=lambda row: (row.root_id, row.path))

    def between(self, low: str | None, high: str | None) -> list[FileRow]:
        """The rows of files whose names lie in ``[low, high)``; None is no bound."""
        statement = sa.select(*tables.ROW)
        if low is not None:
            statement = statement.where(tables.files.c.file_id >= low)
        if high is not None:
            statement = statement.where(tables.files.c.file_id < high)
        with self._engine.connect() as connection:
            return list(map(FileRow._make, _raw(connection, statement)))

    def integrity(self) -> list[str]:
        """What the database says is wrong with its file."""
        return integrity(self._engine)

    @contextmanager
    def _writing_files(self) -> Iterator[sa.Connection]:
        """A transaction in which rows of files change: the kept snapshot does not outlive it."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(tables.snapshot))
            yield connection

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
        if not rows:
            return
        with self._writing_files() as connection:
            upsert(connection, tables.files, rows, update=_OBSERVED)

    def forget(self, file_ids: Sequence[str]) -> None:
        """Drop rows of files that were never published and are gone."""
        if not file_ids:
            return
        with self._writing_files() as connection:
            _delete_files(connection, file_ids)

    def distrust(self, file_ids: Sequence[str] | None) -> None:
        """State that the index does not hold what these rows say (None: any row)."""
        statement = sa.update(tables.files).values(_NOT_INDEXED)
        with self._writing_files() as connection:
            if file_ids is None:
                connection.execute(statement)
                return
            for part in slices(file_ids):
                connection.execute(statement.where(tables.files.c.file_id.in_(part)))

    def outdated(self, reasons: str, but: str) -> list[FileRow]:
        """The rows that ``reconsider`` marks."""
        statement = sa.select(*tables.ROW).where(_outdated(reasons, but))
        with self._engine.connect() as connection:
            return list(map(FileRow._make, connection.execute(statement)))

    def reconsider(self, reasons: str, but: str) -> None:
        """Mark as not indexed what was skipped for a reason like ``reasons``, save ``but``."""
        outdated = _outdated(reasons, but)
        if not self._any(outdated):
            return
        with self._writing_files() as connection:
            connection.execute(
                sa.update(tables.files).where(outdated).values({**_NOT_INDEXED, "reason": None})
            )

    def _any(self, condition: sa.ColumnElement[bool]) -> bool:
        with self._engine.connect() as connection:
            query = sa.select(tables.files.c.file_id).where(condition).limit(1)
            return connection.scalar(query) is not None

    def outdate(self, extractors: Sequence[str]) -> None:
        """Have all files that these extractors read or refused be read again, until published."""
        theirs = sa.and_(
            tables.files.c.extractor.in_(extractors), tables.files.c.indexed != _OUTDATED
        )
        # Asked at each look until the next publication: looking must not drop the snapshot.
        if not extractors or not self._any(theirs):
            return
        with self._writing_files() as connection:
            connection.execute(sa.update(tables.files).where(theirs).values(indexed=_OUTDATED))

    def unpublish(self) -> None:
        """State that no version of the index can be read: readers find none, a run makes one."""
        self.distrust(None)
        with self._engine.begin() as connection:
            connection.execute(sa.delete(tables.meta).where(tables.meta.c.key == "published"))
            _put_meta(connection, {"lost": "1"})

    def is_lost(self) -> bool:
        """Whether an index that was complete is to be restored as a whole."""
        return self.meta("lost") == "1"

    def republish(self, published: Published, facts: Mapping[str, str] | None = None) -> None:
        """Point readers to another version of the index, as it was found there, with its facts."""
        with self._engine.begin() as connection:
            _put_meta(connection, {"published": _published_json(published), **(facts or {})})

    def publish(self, publication: Publication) -> None:
        """Make a version of the index the one that readers see: the commit point of a run."""
        retired = self._retired()
        before = self.published()
        if before is not None:
            retired[before.table] = time.time_ns()
        retired.pop(publication.published.table, None)
        dead_since = self.meta("dead_since") or ""
        if before is None or before.table != publication.published.table:
            dead_since = ""  # a new table
        elif publication.deleted_rows and not dead_since:
            dead_since = str(time.time_ns())
        with self._writing_files() as connection:
            if publication.rebuilt:
                connection.execute(sa.update(tables.files).values(_NOT_INDEXED))
            if publication.indexed:
                connection.execute(
                    sa.update(tables.files)
                    .where(tables.files.c.file_id == sa.bindparam("key"))
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
                    "dead_since": dead_since,
                    **publication.facts,
                },
            )

    # -- reports ---------------------------------------------------------------------------------

    def record_run(self, run_id: str, report: Mapping[str, Any]) -> None:
        """Keep what a run did."""
        row = {"run_id": run_id, "ended_ns": time.time_ns(), "report": json.dumps(report)}
        with self._engine.begin() as connection:
            upsert(connection, tables.runs, [row], update=("ended_ns", "report"))

    def run_report(self, run_id: str) -> dict[str, Any] | None:
        """What a run did, as ``record_run`` was given it."""
        with self._engine.connect() as connection:
            value = connection.scalar(
                sa.select(tables.runs.c.report).where(tables.runs.c.run_id == run_id)
            )
        if value is None:
            return None
        report: dict[str, Any] = json.loads(value)
        return report

    def recent_reports(self, limit: int) -> list[dict[str, Any]]:
        """What the last runs did, the earliest of them first."""
        query = sa.select(tables.runs.c.report).order_by(tables.runs.c.ended_ns.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [json.loads(report) for report in connection.scalars(query)][::-1]

    def totals(self) -> dict[str, int]:
        """Counts over what is published: files, chunks, and rows by status."""
        regular = sa.func.sum(sa.case((tables.files.c.regular, 1), else_=0))
        query = (
            sa.select(
                tables.files.c.status, sa.func.count(), regular, sa.func.sum(tables.files.c.chunks)
            )
            .where(tables.files.c.indexed.is_not(None))
            .group_by(tables.files.c.status)
        )
        totals = {"files": 0, "chunks": 0, rows.INDEXED: 0, rows.SKIPPED: 0, rows.QUARANTINED: 0}
        with self._engine.connect() as connection:
            for status, entries, files, chunks in connection.execute(query):
                totals["files"] += int(files)
                totals["chunks"] += int(chunks)
                totals[status] += int(entries)
        return totals


_T = TypeVar("_T")


def _parsed(parse: Callable[[str], _T], value: str | None) -> _T | None:
    """A fact as its type; None where there is none."""
    try:
        return None if value is None or value == "" else parse(value)
    except (ValueError, TypeError) as error:
        raise DatabaseDamagedError(f"the ledger's database is damaged ({value!r})") from error


def _published(value: str) -> Published:
    return Published(**json.loads(value))


def _recipe(value: str) -> dict[str, str]:
    return dict(json.loads(value))


def _root_row(path: bytes) -> dict[str, Any]:
    return {"root_id": ids.root_id(path), "path": path, "added_ns": time.time_ns()}


def _raw(connection: sa.Connection, statement: sa.Select[Any]) -> list[tuple[Any, ...]]:
    """Rows as SQLite's driver gives them: as ``sa.Row``, 100,000 cost three times as much."""
    if connection.dialect.name != "sqlite":
        return [tuple(row) for row in connection.execute(statement)]
    compiled = statement.compile(connection.engine, compile_kwargs={"literal_binds": True})
    cursor = connection.exec_driver_sql(str(compiled)).cursor
    try:
        return [] if cursor is None else list(cursor.fetchall())
    except sqlite3.Error as error:  # not seen by SQLAlchemy here
        complain(connection.engine.url.database, error)
        raise


def _outdated(reasons: str, but: str) -> sa.ColumnElement[bool]:
    return sa.and_(tables.files.c.reason.like(reasons), tables.files.c.reason != but)


def _put_meta(connection: sa.Connection, values: Mapping[str, str]) -> None:
    rows = [{"key": key, "value": value} for key, value in values.items()]
    upsert(connection, tables.meta, rows, update=("value",))


def _published_json(published: Published) -> str:
    return json.dumps({"table": published.table, "version": published.version})


def _delete_files(connection: sa.Connection, file_ids: Sequence[str]) -> None:
    for part in slices(file_ids):
        connection.execute(sa.delete(tables.files).where(tables.files.c.file_id.in_(part)))


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
