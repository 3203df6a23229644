"""Opening files of a root so that no link leads out of it, and what their stat says."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from beast_assets.core.records import Stat

# The directories on the way are only passed through: that needs the right to search, not to read.
_PASS: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A FIFO or a terminal that took the place of a file must neither block us nor become ours.
READ_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_KINDS: Final = {
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
    stat.S_IFDIR: "directory",
}


class NotRegularFileError(OSError):
    """The path names something other than a regular file.

    Attributes:
        kind: ``symlink``, ``fifo``, ``socket``, ``device``, ``directory`` or ``not a file``.
    """

    def __init__(self, kind: str, path: bytes) -> None:
        super().__init__(errno.EINVAL, f"{kind}, not a regular file", path)
        self.kind = kind


def to_stat(found: os.stat_result) -> Stat:
    """Keep what tells whether a file is the one we know.

    Inode numbers from 2**63 on are folded to negative ones: databases have 64 signed bits.
    """
    inode = found.st_ino
    return Stat(
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
        inode if inode < 2**63 else inode - 2**64,
    )


def stat_of(fd: int) -> Stat:
    """The stat of an open file."""
    return to_stat(os.fstat(fd))


def kind_of(mode: int) -> str | None:
    """What the mode of a stat says it is; None for a regular file."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "not a file")


def open_beneath(root_fd: int, path: bytes) -> int:
    """Open a regular file of a root for reading, going part by part and following no link.

    Args:
        root_fd: descriptor of the root directory.
        path: relative to the root, of any length, without ``..``.

    Returns:
        A descriptor that the caller closes.

    Raises:
        NotRegularFileError: the path ends at something else (it has not been read).
        ValueError: the path is empty, absolute, or has a ``.`` or ``..`` in it.
        OSError: it cannot be opened; ``NotADirectoryError`` if a link stands on the way.
    """
    *directories, name = path.split(b"/")
    if not {b"", b".", b".."}.isdisjoint((*directories, name)):
        raise ValueError(f"not a path inside a root: {path!r}")
    parent_fd = _passed(root_fd, directories)
    try:
        return _open_regular(parent_fd, name, path)
    finally:
        if parent_fd != root_fd:
            os.close(parent_fd)


def _passed(root_fd: int, directories: list[bytes]) -> int:
    """The descriptor of the last of these nested directories; the root's if there are none."""
    here = root_fd
    for name in directories:
        try:
            below = os.open(name, _PASS, dir_fd=here)
        finally:
            if here != root_fd:
                os.close(here)
        here = below
    return here


def _open_regular(parent_fd: int, name: bytes, path: bytes) -> int:
    try:
        fd = os.open(name, READ_FLAGS | os.O_NOFOLLOW, dir_fd=parent_fd)
    except OSError as error:
        # A link gives ELOOP, a socket ENXIO: say what it is instead.
        kind = _kind_at(parent_fd, name)
        raise NotRegularFileError(kind, path) if kind else error from None
    require_regular(fd, path)
    return fd


def require_regular(fd: int, path: bytes) -> os.stat_result:
    """The stat of a descriptor just opened; it is closed unless it is of a regular file.

    Raises:
        NotRegularFileError: it is not.
    """
    found = os.fstat(fd)
    kind = kind_of(found.st_mode)
    if kind is None:
        return found
    os.close(fd)
    raise NotRegularFileError(kind, path)


def _kind_at(parent_fd: int, name: bytes) -> str | None:
    try:
        return kind_of(os.stat(name, dir_fd=parent_fd, follow_symlinks=False).st_mode)
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class RootHandle:
    """An open root.

    Attributes:
        path: as it was given.
        fd: descriptor of the directory; valid until the context ends.
    """

    path: bytes
    fd: int

    def open(self, path: bytes) -> int:
        """Open a file of the root as `open_beneath` does."""
        return open_beneath(self.fd, path)

    def stat(self, path: bytes) -> Stat:
        """The stat of a file of the root, opened likewise."""
        fd = self.open(path)
        try:
            return stat_of(fd)
        finally:
            os.close(fd)


@contextmanager
def open_root(root: bytes) -> Iterator[RootHandle]:
    """Hold a root open. The root itself may be a link: that is what the user named.

    Raises:
        OSError: it is missing, not a directory, or not to be read.
    """
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield RootHandle(root, fd)
    finally:
        os.close(fd)
