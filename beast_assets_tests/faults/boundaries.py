"""The places where a process of ours writes, counted, and what is made to happen at one of them.

A boundary is a call that changes something others can see: a statement or commit of a database, an
operation of LanceDB, a file made, renamed, cut or removed, the lock and the name in it.
"""

import fcntl
import io
import os
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import sqlalchemy as sa

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_OWN_DATABASES = ("ledger.sqlite", "embeddings.sqlite")
_QUERIES = ("SELECT", "PRAGMA", "WITH")
_TABLE_WRITES = ("add", "delete", "create_index", "drop_index", "optimize", "restore")
_FILE_CALLS = ("mkdir", "replace", "rename", "unlink", "ftruncate", "pwrite")

Act = Callable[[str], None]


def die(_name: str) -> NoReturn:
    """Death without any warning."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process went on")


def fail(number: int) -> Act:
    """An error of the operating system, as each of the layers below ours reports it."""

    def act(name: str) -> None:
        words = os.strerror(number)
        if name.startswith("database"):
            error = sqlite3.OperationalError(f"disk I/O error: {words}")
            error.sqlite_errorname = "SQLITE_IOERR"
            raise error
        if name.startswith("index"):
            raise RuntimeError(f"lance error: LanceError(IO): {words} (os error {number})")
        raise OSError(number, words)

    return act


@dataclass
class Boundaries:
    """The writes of this process below a home.

    Attributes:
        home: what lies elsewhere is not counted.
        at: the write at which ``act`` is called, from 1; 0 for none.
        after: once that write is done, not before it.
        act: dies, or raises an error.
        own: leave out Dagster's databases.
        crossed: the names of the writes so far.
    """

    home: Path
    at: int = 0
    after: bool = False
    act: Act = die
    own: bool = True
    crossed: list[str] = field(default_factory=list)

    def install(self) -> None:
        """Watch all boundaries, for the rest of this process."""
        import lancedb

        for name in _FILE_CALLS:
            self._watch(os, name, f"file {name}", self._is_ours)
        self._watch(os, "open", "file open", self._opens_for_writing)
        self._watch(io, "open", "file open", self._opens_for_writing)
        self._watch(fcntl, "flock", "lock flock", lambda *_: True)
        for name in _TABLE_WRITES:
            self._watch(lancedb.table.LanceTable, name, f"index {name}", lambda *_: True)
        for name in ("create_table", "drop_table"):
            self._watch(lancedb.db.LanceDBConnection, name, f"index {name}", lambda *_: True)
        self._watch_engines()

    def _watch(self, owner: Any, name: str, label: str, counts: Callable[..., bool]) -> None:
        real = getattr(owner, name)

        def crossing(*words: Any, **more: Any) -> Any:
            if not counts(*words):
                return real(*words, **more)
            self.crossed.append(label)
            mine = len(self.crossed) == self.at
            if mine and not self.after:
                self.act(label)
            try:
                return real(*words, **more)
            finally:  # also where the call failed: what is there already cannot be made
                if mine and self.after:
                    self.act(label)

        setattr(owner, name, crossing)

    def _watch_engines(self) -> None:
        real = sa.create_engine

        def create_engine(url: Any, **more: Any) -> sa.Engine:
            engine = real(url, **more)
            name = Path(engine.url.database or "").name
            if name in _OWN_DATABASES or not self.own:
                for call in ("do_execute", "do_executemany"):
                    self._watch(engine.dialect, call, f"database {name} {call}", _writes)
                self._watch(engine.dialect, "do_commit", f"database {name} commit", lambda *_: True)
            return engine

        sa.create_engine = create_engine

    def _is_ours(self, place: Any, *_: Any) -> bool:
        return isinstance(place, int) or os.fsdecode(place).startswith(str(self.home))

    def _opens_for_writing(self, place: Any, mode: Any = "r", *_: Any) -> bool:
        if isinstance(place, int) or not self._is_ours(place):
            return False
        if isinstance(mode, int):
            return bool(mode & _WRITING)
        return any(letter in mode for letter in "wax+")


def _writes(_cursor: Any, statement: str, *_: Any) -> bool:
    return not statement.lstrip().upper().startswith(_QUERIES)
