"""One writer per home: a lock of the kernel, which death frees.

The interface is ``writer_lock``; a lock of a database may take the file's place for a ledger that
several machines share. The file holds the writer's name while the lock is held: who takes the
lock and finds a name there knows that its predecessor died, and that there may be Dagster runs to
clear (``unclean``).
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from beast_assets.core.errors import LockedError
from beast_assets.core.processes import is_gone, this_process

_POLL_S = 0.2


@dataclass
class Held:
    """A held lock.

    Attributes:
        since_ns: when it was taken, nanoseconds since the epoch.
        unclean: whether a writer died before, and nobody has cleared up after it yet.
        look: what the holder found when it looked the home over, for a run that it starts itself.
    """

    fd: int
    since_ns: int
    unclean: bool
    record: dict[str, object] = field(default_factory=dict)
    look: object = None

    def mark_clean(self) -> None:
        """State that what a dead writer left in Dagster has been cleared."""
        self.unclean = False
        _write(self.fd, self.record | {"unclean": False})


# A run that `beast index` starts in its own process works under the lock that it holds already.
# A context variable, not a global: another thread of the process is another writer.
_held: ContextVar[dict[Path, Held] | None] = ContextVar("beast_held_locks", default=None)


@contextmanager
def writer_lock(
    path: Path,
    *,
    timeout_s: float = 0,
    waiting: Callable[[str], None] | None = None,
    what: str = "indexing run",
) -> Iterator[Held]:
    """Hold the home's writer lock, or another lock of its kind.

    Args:
        path: the lock file; its folder exists.
        timeout_s: how long to wait for another writer; 0 does not wait.
        waiting: told once, in words, whom the wait is for.
        what: holds such a lock, for the words of an error.

    Raises:
        LockedError: another writer still held it after ``timeout_s``.
    """
    held = _held.get() or {}
    if path in held:
        yield held[path]
        return
    lock = _acquire(path, timeout_s, waiting, what)
    token = _held.set({**held, path: lock})
    try:
        yield lock
    finally:
        _held.reset(token)
        _write(lock.fd, {"unclean": True} if lock.unclean else {})
        os.close(lock.fd)


class Holder(NamedTuple):
    """A writer that the lock's file names.

    Attributes:
        name: its process, in words.
        since_ns: since when it has held the lock, nanoseconds since the epoch.
        gone: whether it died; its name stays until another has cleared up.
        pid: the process's number; None where it cannot be read.
    """

    name: str
    since_ns: int
    gone: bool
    pid: int | None = None


def holder(path: Path) -> Holder | None:
    """Who holds the lock, without touching it: to try it would keep a writer out for a moment."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        record, since_ns = _read(fd), os.fstat(fd).st_mtime_ns
    finally:
        os.close(fd)
    if not _died(record):  # as whoever takes the lock next would see it
        return None
    process = record.get("process")
    if not isinstance(process, dict):
        return Holder(_describe(record), since_ns, gone=True)
    gone = is_gone(process["pid"], seen_at=process["started"], host=process["host"])
    return Holder(_describe(record), since_ns, gone, process["pid"])


def holder_of(path: Path) -> int | None:
    """The number of the living process that holds a lock; None for none."""
    found = holder(path)
    return None if found is None or found.gone else found.pid


def _acquire(
    path: Path, timeout_s: float, waiting: Callable[[str], None] | None, what: str
) -> Held:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + timeout_s
    told = False
    while not _try(fd):
        holder = _describe(_read(fd))
        if time.monotonic() >= deadline:
            os.close(fd)
            raise LockedError(
                f"another {what} ({holder}) holds {path}: wait for it to end, or stop it"
            )
        if waiting is not None and not told:
            waiting(f"waiting up to {timeout_s:.0f} s for another {what} ({holder})")
            told = True
        time.sleep(_POLL_S)
    before = _read(fd)
    record: dict[str, object] = {"process": this_process().to_dict()}
    lock = Held(fd, time.time_ns(), unclean=_died(before), record=record)
    _write(fd, record | {"unclean": lock.unclean})
    return lock


def _try(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _died(record: dict[str, object]) -> bool:
    # A clean end erases the name; what cannot be read is what a death in mid-write leaves.
    return bool(record.get("unclean")) or "process" in record or "unreadable" in record


def _read(fd: int) -> dict[str, object]:
    data = os.pread(fd, 65536, 0)
    if not data.strip():
        return {}
    try:
        record = json.loads(data)
    except ValueError:
        return {"unreadable": True}
    return record if isinstance(record, dict) else {"unreadable": True}


def _write(fd: int, record: dict[str, object]) -> None:
    os.ftruncate(fd, 0)
    if record:
        os.pwrite(fd, json.dumps(record).encode(), 0)


def _describe(record: dict[str, object]) -> str:
    process = record.get("process")
    if isinstance(process, dict):
        return f"process {process.get('pid')} on {process.get('host')}"
    return "its name is not known"
