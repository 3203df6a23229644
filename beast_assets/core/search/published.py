"""Which version is published now, asked so often that it has to cost next to nothing.

Through SQLAlchemy the question takes 107 µs, most of a kept answer; on a connection of its own 4.
"""

import sqlite3
import threading
from typing import NamedTuple
from urllib.parse import quote

from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Published

_QUESTION = "SELECT value FROM meta WHERE key IN ('published', 'published_ns') ORDER BY key"
_BUSY_TIMEOUT_S = 30.0


class Publication(NamedTuple):
    """A published version, and when it was published.

    An index that was lost and is built anew may have the name and number of the lost one: the
    moment tells them apart.
    """

    version: Published
    moment: str | None


class PublishedVersion:
    """A home's published version, and its ledger, also after a damaged one was put aside.

    Thread-safe.

    Attributes:
        ledger: the one that answered last.
    """

    def __init__(self, ledger_url: str) -> None:
        """Open the ledger.

        Raises:
            NoIndexError: there is none.
        """
        self._url = ledger_url
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._answer: list[tuple[str]] | None = None
        self._published: Publication | None = None
        self._open()

    def close(self) -> None:
        """Let go of the connection; a later question opens another."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            self._inode = -1

    def now(self) -> Publication | None:
        """What is published; None where nothing is.

        Raises:
            DatabaseDamagedError: the ledger cannot be read.
        """
        with self._lock:
            if self._inode != self._inode_now():
                self._open()
            answer = self._quick_answer()
            if answer is None or answer != self._answer:
                moment, version = self.ledger.meta("published_ns"), self.ledger.published()
                self._published = None if version is None else Publication(version, moment)
                self._answer = answer
            return self._published

    def _open(self) -> None:
        self.ledger = Ledger.open_existing(self._url)
        self._inode = self._inode_now()
        self._connection = self._connect()
        self._answer = self._published = None

    def _connect(self) -> sqlite3.Connection | None:
        path = self.ledger.file_path
        if path is None or not self._inode:
            return None
        try:
            return sqlite3.connect(
                f"file:{quote(bytes(path))}?mode=ro",
                uri=True,
                timeout=_BUSY_TIMEOUT_S,
                check_same_thread=False,  # the lock sees to it
            )
        except sqlite3.Error:
            return None

    def _quick_answer(self) -> list[tuple[str]] | None:
        # The ledger, asked next, says in words what is wrong with it.
        try:
            return None if self._connection is None else self._read(self._connection)
        except sqlite3.Error:
            return None

    def _read(self, connection: sqlite3.Connection) -> list[tuple[str]]:
        return connection.execute(_QUESTION).fetchall()  # all: a read that ended holds no lock

    def _inode_now(self) -> int:
        path = self.ledger.file_path
        try:
            return path.stat().st_ino if path else 0
        except OSError:
            return 0
