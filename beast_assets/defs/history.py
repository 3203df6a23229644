"""Dagster's record of runs in SQLite, written without waiting for the disk at every step.

A run of one bucket makes a database for its events and commits some thirty times to it and to
two others; with SQLite's defaults that is 250 calls of fsync, a second or two on a disk that
others use.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_SHARED = ("runs.db", "runs/index.db")
# A new database of a run has some hundred pages, nearly all of them of empty tables and indices.
_PAGE_BYTES = 512


@contextmanager
def few_syncs(dagster_home: Path) -> Iterator[None]:
    """Have SQLite wait less for the disk meanwhile, in the history of this Dagster home only.

    What all runs share keeps to its write-ahead log, which no loss of power can damage
    (``synchronous=NORMAL``); a run's own events are not waited for at all. It is held open, too:
    closing the last connection to such a database would copy its log each time.
    """
    import sqlalchemy as sa

    history = f"{dagster_home.resolve() / 'history'}/"
    shared = {history + name for name in _SHARED}

    def connected(connection: Any, _record: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            path = connection.execute("PRAGMA database_list").fetchone()[2]
            if path.startswith(history):
                if path in shared:
                    connection.execute("PRAGMA synchronous = NORMAL")
                else:
                    connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")  # if it is new
                    connection.execute("PRAGMA synchronous = OFF")

    sa.event.listen(sa.Engine, "connect", connected)
    held: list[sqlite3.Connection] = []
    try:
        held += [_hold(Path(path)) for path in sorted(shared) if Path(path).exists()]
        yield
    finally:
        sa.event.remove(sa.Engine, "connect", connected)
        for connection in held:
            connection.close()


def _hold(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    with suppress(sqlite3.Error):  # what is wrong with it, Dagster shall say
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return connection
