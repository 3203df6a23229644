"""The frozen types that pass between stages."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

#: How the problem of a directory that cannot be listed begins: what lies below is not known.
UNREADABLE_DIRECTORY = "unreadable directory"


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


class Listing(NamedTuple):
    """One directory as a scan met it; what is excluded is not in it.

    Parallel lists, because a scan that finds nothing changed must not make objects for each file.

    Attributes:
        prefix: of the paths: empty for the root, else it ends in ``/``.
        names: of the regular files, raw bytes.
        stats: theirs, four numbers a file in the order of ``Stat``.
        odd: what is no regular file or cannot be read, with its problem.
    """

    prefix: bytes
    names: list[bytes]
    stats: list[int]
    odd: list[Entry]

    def entries(self) -> Iterator[Entry]:
        """Everything that was met."""
        numbers = iter(self.stats)
        stats = map(Stat._make, zip(numbers, numbers, numbers, numbers, strict=True))
        for name, stat in zip(self.names, stats, strict=True):
            yield Entry(self.prefix + name, stat)
        yield from self.odd


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


class Part(NamedTuple):
    """A stretch of a file's text that people name: a page, a slide, a sheet, a cell of a notebook.

    Attributes:
        text: without lone surrogates; chunks do not reach beyond it.
        place: what to call it, such as ``page 3``; empty where lines say enough.
    """

    text: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A window of a text: ``text[char_start:char_end]``.

    Lines count from 1 in its part, both ends included; ``place`` is the part's.
    """

    text: str
    char_start: int
    char_end: int
    line_start: int
    line_end: int
    place: str = ""
