"""The frozen types that pass between stages."""

from dataclasses import dataclass

#: How the problem of a directory that cannot be listed begins: what lies below is not known.
UNREADABLE_DIRECTORY = "unreadable directory"


@dataclass(frozen=True, slots=True)
class Stat:
    """What tells that a file is the one we know: bytes, nanoseconds since the epoch, inode."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Entry:
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
