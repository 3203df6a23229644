"""Engines and the one statement whose spelling differs between databases."""

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from beast_assets.core.errors import BeastError, DatabaseDamagedError, UsageError

_BUSY_TIMEOUT_MS = 30_000
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_HINDERED = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM")
# SQLite takes 32,766 parameters a statement, PostgreSQL 65,535.
MAX_IN_LIST = 10_000


def parse_url(url: str) -> sa.URL:
    """The parts of a database URL.

    Raises:
        UsageError: it is none, or of a database that the ledger cannot be in.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise UsageError(f"BEAST_LEDGER_URL is not a database URL: {error}") from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError(
            f"BEAST_LEDGER_URL: use SQLite or PostgreSQL, not {parsed.get_backend_name()}"
        )
    return parsed


@functools.cache
def engine_for(url: str) -> sa.Engine:
    """The process's engine for this database; its pool is the connection pool."""
    return new_engine(url)


def new_engine(url: str, poolclass: type[sa.Pool] | None = None) -> sa.Engine:
    """An engine of one's own for this database, for whom no open connection will do.

    An SQLite file is made with mode 0600 and put in WAL mode, so that readers never wait for the
    writer.
    """
    parsed = parse_url(url)
    engine = sa.create_engine(
        parsed,
        pool_pre_ping=parsed.get_backend_name() != "sqlite",
        hide_parameters=True,  # paths and texts have no place in the words of an error
        poolclass=poolclass,
    )
    if engine.dialect.name == "sqlite":
        if engine.url.database:
            Path(engine.url.database).touch(mode=0o600)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "connect", functools.partial(_note_file, parsed.database))
        sa.event.listen(engine, "checkout", functools.partial(_see_file, parsed.database))
        sa.event.listen(engine, "handle_error", functools.partial(_explain, parsed.database))
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _note_file(place: str | None, _connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    entry.info["inode"] = _inode(place)


def _see_file(
    place: str | None, _connection: object, entry: ConnectionPoolEntry, _: object
) -> None:
    # Another process may have put a damaged file aside: what is open here is still that one.
    if (found := _inode(place)) and found != entry.info["inode"]:
        raise sa.exc.DisconnectionError(f"{place} is another file now")


def _inode(place: str | None) -> int:
    try:
        return os.stat(place).st_ino if place else 0  # noqa: PTH116 at each statement
    except OSError:
        return 0


def scrub(url: str) -> None:
    """Write an SQLite database anew, so that nothing that was deleted is left in its files.

    A server's database is left to its own vacuum.

    Raises:
        BeastError: another process reads it and does not end.
    """
    engine = engine_for(url)
    if engine.dialect.name != "sqlite":
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM")
        busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar()
    if busy:
        raise BeastError(
            f"another process has {engine.url.database} open, so deleted data could not be "
            "written over: end it, then run the command again"
        )


def integrity(engine: sa.Engine) -> list[str]:
    """What SQLite says is wrong with its file, a line each; nothing for another database."""
    if engine.dialect.name != "sqlite":
        return []
    try:
        with engine.connect() as connection:
            lines = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    except (sa.exc.DatabaseError, BeastError) as error:
        return [str(error).splitlines()[0]]
    return [line for line in map(str, lines) if line != "ok"]


def _explain(place: str | None, context: sa.engine.ExceptionContext) -> None:
    complain(place, context.original_exception)


def complain(place: str | None, error: BaseException) -> None:
    """Raise in our words what is wrong with an SQLite file; nothing where a statement is wrong.

    Raises:
        DatabaseDamagedError: SQLite calls the file damaged.
        BeastError: the file cannot be read or written.
    """
    code = getattr(error, "sqlite_errorname", "")
    # A text that is none has no code of its own.
    if code.startswith(_DAMAGED) or str(error).startswith("Could not decode to UTF-8"):
        raise DatabaseDamagedError(
            f"the database {place} is damaged ({error}): `beast index` puts it aside and goes on",
            place or "",
        ) from error
    if code.startswith(_HINDERED):
        raise BeastError(
            f"the database {place} cannot be used ({error}): see that its disk has room and that "
            "it may be read and written, then run this again"
        ) from error


def put_aside(engine: sa.Engine) -> Path:
    """Move a damaged SQLite file out of the way, with what belongs to it, and close it.

    Returns:
        Its new name: the old one and ``.damaged-1``, or the next number that is free.
    """
    engine.dispose()
    path = Path(engine.url.database or "")
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.replace(aside)
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + suffix))
    path.touch(mode=0o600)
    return aside


def upsert(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    update: Sequence[str],
) -> None:
    """Insert rows, or set their ``update`` columns where the primary key is there already.

    Args:
        connection: inside a transaction.
        table: its primary key decides.
        rows: no key twice.
        update: columns to overwrite; none means that what is there stays.
    """
    if not rows:
        return
    insert: Any  # the two have no common type
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        insert = postgresql.insert(table)
    else:
        from sqlalchemy.dialects import sqlite

        insert = sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    if update:
        statement = insert.on_conflict_do_update(
            index_elements=keys, set_={name: insert.excluded[name] for name in update}
        )
    else:
        statement = insert.on_conflict_do_nothing(index_elements=keys)
    connection.execute(statement, list(rows))


def slices(values: Sequence[str], size: int = MAX_IN_LIST) -> list[Sequence[str]]:
    """Cut a list so that each part fits an IN clause."""
    return [values[start : start + size] for start in range(0, len(values), size)]
