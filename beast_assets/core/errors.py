"""Errors that end a command: each says what to do, and carries the exit code of its kind."""

from typing import ClassVar


class BeastError(Exception):
    """Something the user can act on.

    Attributes:
        exit_code: what ``beast`` exits with: 1 failed, 2 usage, 3 held back by a guard, 10 no
            index, 11 locked, 12 recipe mismatch.
    """

    exit_code: ClassVar[int] = 1


class UsageError(BeastError):
    """The command's words or the configuration are wrong."""

    exit_code = 2


class HeldBackError(BeastError):
    """A guard kept something from being done that might have been a mistake."""

    exit_code = 3


class NoIndexError(BeastError):
    """There is no index in the home."""

    exit_code = 10


class LockedError(BeastError):
    """Another indexing run holds the writer lock."""

    exit_code = 11


class RecipeMismatchError(BeastError):
    """The index was built by another model, chunker, parser or schema than today's."""

    exit_code = 12


class ModelError(BeastError):
    """The embedding model is absent, altered or unusable."""


class IndexDamagedError(BeastError):
    """The index cannot be read as it stands; an indexing run repairs it."""


class ParserProcessError(BeastError):
    """The process that reads documents could not be started or kept."""


class DatabaseDamagedError(BeastError):
    """SQLite calls a database of ours damaged; an indexing run puts it aside and makes another.

    Attributes:
        place: its file; empty for the ledger.
    """

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.place = place
