"""The frozen types that pass between stages."""

from dataclasses import dataclass
from typing import NamedTuple

#: How the problem of a directory that cannot be listed begins: what lies below is not known.
UNREADABLE_DIRECTORY = "unreadable directory"


# Named tuples, not dataclasses: a scan makes two for each file, and frozen dataclasses are the
# slowest of all to make (scan of 100,000 files: 1.64 times `find` against 1.85).
class Stat(NamedTuple):
    """What tells that a file is the one we know: bytes, nanoseconds since the epoch, inode."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


class Entry(NamedTuple):
    """One thing that a scan met and did not exclude.

    Attributes:
        path: relative to its root, raw bytes, ``/`` between the parts.
        stat: as of the scan, links not followed.
        problem: why its content cannot be had (``symlink``, ``fifo``, ``unreadable: …``);
            None for a regular file.
    """

    path: bytes
    stat: Stat
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a file has no text.

    Attributes:
        reason: one line for people, stable enough to group by.
        quarantined: True where something is wrong with the file, False where there is simply
            nothing in it to read (a model, a picture).
    """

    reason: str
    quarantined: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """A window of a text: ``text[char_start:char_end]``; lines count from 1, both ends included."""

    text: str
    char_start: int
    char_end: int
    line_start: int
    line_end: int
