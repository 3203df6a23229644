"""SHA-256 of files, and whether a digest still holds for the file it was taken from."""

import errno
import hashlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from beast_assets.core.files import READ_FLAGS, open_beneath, require_regular, stat_of
from beast_assets.core.records import Stat

KIB: Final = 1024
BUFFER_SIZE: Final = 256 * KIB
# From here on a thread hashes more than handing the file to it costs.
WORTH_A_THREAD: Final = 1024 * KIB
# A file at rest for so long before its hash began is told from a changed one by its times.
SETTLED_MARGIN_NS: Final = 2_000_000_000
_TRIES: Final = 2
_Path = str | bytes | os.PathLike[str]

_of_this_thread = threading.local()


class ChangedWhileReading(OSError):
    """A file changed while it was read, twice: what was read is no state it was ever in."""

    def __init__(self, path: bytes) -> None:
        super().__init__(errno.EBUSY, "changed while it was read", path)


@dataclass(frozen=True, slots=True)
class HashResult:
    """A digest, and the state of the file that it belongs to.

    Attributes:
        sha256: hexadecimal.
        stat: the same before and after the hash.
        size_read: bytes hashed; equals ``stat.size``.
        hashed_ns: when the hash began, nanoseconds since the epoch.
    """

    sha256: str
    stat: Stat
    size_read: int
    hashed_ns: int


def is_settled(stat: Stat, hashed_ns: int, margin_ns: int = SETTLED_MARGIN_NS) -> bool:
    """Tell whether an unchanged stat will prove an unchanged file.

    It does not for a file written just before the hash: the next write may leave the same
    timestamps, as clocks of file systems tick slowly (FAT: every 2 s). Nor for one dated in
    the future.
    """
    return max(stat.mtime_ns, stat.ctime_ns) <= hashed_ns - margin_ns


def hash_fd(
    fd: int, *, buffer_size: int = BUFFER_SIZE, expected: int | None = None
) -> tuple[str, int]:
    """Hash an open file from its current position to its end, in constant memory.

    Args:
        fd: opened for reading.
        buffer_size: bytes a read.
        expected: the size of the file; where more follows, the hash stops soon after, for one
            that grows as fast as it is read has no end.

    Returns:
        The hexadecimal SHA-256, and how many bytes went into it.
    """
    buffer = _buffer(buffer_size)
    digest = hashlib.sha256()
    size = 0
    while (expected is None or size <= expected) and (count := os.readv(fd, [buffer])):
        digest.update(buffer[:count])
        size += count
    return digest.hexdigest(), size


def _buffer(size: int) -> memoryview:
    """The buffer of this thread: a fresh one would cost more than hashing a small file."""
    kept: memoryview | None = getattr(_of_this_thread, "buffer", None)
    if kept is None or len(kept) != size:
        kept = _of_this_thread.buffer = memoryview(bytearray(size))
    return kept


def hash_file(path: _Path) -> str:
    """Hash a file by its path; links are followed.

    Returns:
        The hexadecimal SHA-256.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    fd, _ = _open(path)
    try:
        return hash_fd(fd)[0]
    finally:
        os.close(fd)


def _open(path: _Path) -> tuple[int, int]:
    """Open a regular file: its descriptor and its size."""
    fd = os.open(path, READ_FLAGS)
    return fd, require_regular(fd, os.fsencode(path)).st_size


def hash_stable(root_fd: int, path: bytes) -> HashResult:
    """Hash a file of a root, and make sure that it did not change meanwhile.

    Args:
        root_fd: descriptor of the root.
        path: relative to it.

    Raises:
        ChangedWhileReading: it changed, and once more at the second try.
        OSError: it cannot be opened or read (see `open_beneath`).
    """
    return _stable(root_fd, path, lambda fd, size: (*hash_fd(fd, expected=size), None))[0]


def read_stable(root_fd: int, path: bytes, limit: int) -> tuple[HashResult, bytes | None]:
    """Hash a file as `hash_stable` does, and keep the very bytes that were hashed.

    Args:
        root_fd: descriptor of the root.
        path: relative to it.
        limit: of a file with more bytes than this only the digest is taken.

    Returns:
        The digest, and the content; None for a file over the limit.
    """

    def read(fd: int, size: int) -> tuple[str, int, bytes | None]:
        if size > limit:
            return (*hash_fd(fd, expected=size), None)
        content = _read(fd, size)
        return hashlib.sha256(content).hexdigest(), len(content), content

    return _stable(root_fd, path, read)


def _read(fd: int, size: int) -> bytes:
    """Read that much and one byte more, which tells a file that grew."""
    pieces = []
    left = size + 1
    while left and (piece := os.read(fd, left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def _stable(
    root_fd: int, path: bytes, read: Callable[[int, int], tuple[str, int, bytes | None]]
) -> tuple[HashResult, bytes | None]:
    for _ in range(_TRIES):
        fd = open_beneath(root_fd, path)
        try:
            hashed_ns = time.time_ns()
            before = stat_of(fd)
            sha256, size_read, content = read(fd, before.size)
            unchanged = stat_of(fd) == before and size_read == before.size
        finally:
            os.close(fd)
        if unchanged:
            return HashResult(sha256, before, size_read, hashed_ns), content
    raise ChangedWhileReading(path)


def hash_many(paths: Sequence[_Path], threads: int) -> list[str | OSError]:
    """Hash files, the large ones side by side: hashing runs outside the interpreter lock.

    Small files stay in this thread, where handing them over would cost more than it gains.

    Args:
        paths: the files.
        threads: how many large files at a time; 1 for no threads at all.

    Returns:
        For each path, in order, the hexadecimal SHA-256 or why it could not be read.
    """
    with ThreadPoolExecutor(max(threads, 1)) as pool:
        pending = [_hash_or_hand_over(path, pool if threads > 1 else None) for path in paths]
        return [one.result() if isinstance(one, Future) else one for one in pending]


def _hash_or_hand_over(
    path: _Path, pool: ThreadPoolExecutor | None
) -> str | OSError | Future[str | OSError]:
    try:
        fd, size = _open(path)
    except OSError as error:
        return error
    try:
        if pool and size >= WORTH_A_THREAD:
            return pool.submit(_hash_or_error, path)
        return hash_fd(fd)[0]
    except OSError as error:
        return error
    finally:
        os.close(fd)


def _hash_or_error(path: _Path) -> str | OSError:
    try:
        return hash_file(path)
    except OSError as error:
        return error
