"""Walk a root: every file in it that is not excluded, and what cannot be read, by name.

It goes by descriptors, one directory at a time, and never by full paths: no path is too long, no
nesting too deep, and a link swapped in during the walk leads nowhere.
"""

import os
import stat
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import Final

from beast_assets.core.errors import BeastError
from beast_assets.core.files import NotRegularFileError, kind_of, open_beneath, to_stat
from beast_assets.core.ignore import Rules, root_rules
from beast_assets.core.records import Entry, Listing, Stat

_BELOW: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW
_IGNORE_FILES: Final = (b".gitignore", b".beastignore")
_IGNORE_NAMES: Final = frozenset(map(os.fsdecode, _IGNORE_FILES))
_name_of: Final = attrgetter("name")

_Contents = tuple[bytes | None, bytes | None]
_Enter = Callable[[bytes | None, bytes | None], Rules]
_NOTHING_KNOWN: Final = Stat(0, 0, 0, 0)
# A descriptor that every call refuses.
_NOWHERE: Final = -1
_ENCODING: Final = sys.getfilesystemencoding()
_FORMAT: Final = 0o170000
_REGULAR: Final = stat.S_IFREG
_SIGNED: Final = 2**63


class RootUnavailableError(BeastError):
    """A root is missing or cannot be listed: nothing may be concluded about its files.

    Attributes:
        path: the root.
    """

    def __init__(self, path: bytes, error: OSError) -> None:
        shown = path.decode("utf-8", "backslashreplace")
        super().__init__(
            f"The root {shown} is not available: {error.strerror}. "
            "Mount it or let this user read it; if it is gone for good, take it out of the roots."
        )
        self.path = path


@dataclass(slots=True)
class _Directory:
    """A directory that was listed, and those in it that were not yet entered (at least one)."""

    fd: int
    prefix: bytes
    rules: Rules
    below: list[bytes]


def scan_root(root: bytes, *, avoid: Collection[tuple[int, int]] = ()) -> Iterator[Entry]:
    """Walk a root, in no particular order: `scan_directories`, one entry at a time."""
    for listing in scan_directories(root, avoid=avoid):
        yield from listing.entries()


def scan_directories(root: bytes, *, avoid: Collection[tuple[int, int]] = ()) -> Iterator[Listing]:
    """Walk a root, directory by directory, in no particular order.

    Links are reported, never followed. What vanishes during the walk is not there. Beneath an
    ``unreadable directory`` nothing is known: files missing there are not thereby deleted.

    Args:
        root: the directory; it may itself be a link to one.
        avoid: ``(st_dev, st_ino)`` of directories that are not entered (the root always is).

    Yields:
        Regular files, and with a problem: ``symlink``, ``fifo``, ``socket``, ``device``,
        ``unreadable: <why>`` and ``unreadable directory: <why>``.

    Raises:
        RootUnavailableError: at the first step, if the root cannot be listed.
    """
    waiting: list[_Directory] = []
    try:
        child, listing = _top(root)
        if child:
            waiting.append(child)
        yield listing
        while waiting:
            parent = waiting[-1]
            child, found = _enter(parent, parent.below.pop(), avoid)
            # A parent is closed with its last child opened: a chain needs no more descriptors.
            if not parent.below:
                os.close(waiting.pop().fd)
            if child:
                waiting.append(child)
            if found:
                yield found
    finally:
        for directory in waiting:
            os.close(directory.fd)


def _open_root(root: bytes) -> int:
    try:
        return os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise RootUnavailableError(root, error) from error


def _top(root: bytes) -> tuple[_Directory | None, Listing]:
    fd = _open_root(root)
    try:
        return _list(fd, b"", root_rules)
    except OSError as error:
        os.close(fd)
        raise RootUnavailableError(root, error) from error


def _enter(
    parent: _Directory, name: bytes, avoid: Collection[tuple[int, int]]
) -> tuple[_Directory | None, Listing | None]:
    """List a subdirectory: what is to be entered below it, and its files."""
    try:
        fd = os.open(name, _BELOW, dir_fd=parent.fd)
    except OSError as error:
        return None, _not_opened(parent, name, error)
    try:
        if avoid and _identity(fd) in avoid:
            os.close(fd)
            return None, None
        return _list(fd, parent.prefix + name + b"/", partial(parent.rules.child, name))
    except OSError as error:
        os.close(fd)
        return None, _not_opened(parent, name, error)


def _identity(fd: int) -> tuple[int, int]:
    found = os.fstat(fd)
    return found.st_dev, found.st_ino


def _not_opened(parent: _Directory, name: bytes, error: OSError) -> Listing | None:
    """The row for a directory that resisted, or for what has taken its place since."""
    path = parent.prefix + name
    reason = f"unreadable directory: {error.strerror}"
    try:
        found = os.stat(name, dir_fd=parent.fd, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError:
        return _alone(Entry(path, _NOTHING_KNOWN, reason))
    if stat.S_ISDIR(found.st_mode):
        return _alone(Entry(path, to_stat(found), reason))
    if parent.rules.excludes(name, is_dir=False):
        return None
    return _alone(Entry(path, to_stat(found), kind_of(found.st_mode)))


def _alone(entry: Entry) -> Listing:
    """A listing of this one thing."""
    if entry.problem is None:
        above, slash, name = entry.path.rpartition(b"/")
        return Listing(above + slash, [name], list(entry.stat), [])
    return Listing(entry.path + b"/", [], [], [entry])


def _list(fd: int, prefix: bytes, enter: _Enter) -> tuple[_Directory | None, Listing]:
    """List an open directory; its descriptor is closed unless something below is left to enter."""
    with os.scandir(fd) as met:
        found = list(met)
    if not _IGNORE_NAMES.isdisjoint(map(_name_of, found)):
        contents, resisted = _ignore_files(fd, prefix)
        unread = {os.fsdecode(entry.path[len(prefix) :]) for entry in resisted}
        found = [one for one in found if one.name not in unread]
        rules = enter(*contents)
    else:
        resisted, rules = [], enter(None, None)
    listing = Listing(prefix, [], [], resisted)
    below = _sort_out(found, rules, listing)
    if below:
        return _Directory(fd, prefix, rules, below), listing
    os.close(fd)
    return None, listing


def _sort_out(found: list["os.DirEntry[str]"], rules: Rules, listing: Listing) -> list[bytes]:
    """Fill the listing with what a directory holds; returns the directories to enter.

    All that a check of unchanged files costs is in this loop and in the system calls below it: for
    a plain file no object is made and no function of ours is called.
    """
    prefix, names, stats, odd = listing
    below: list[bytes] = []
    excludes, add_name, add_stat = rules.excludes, names.append, stats.extend
    # One conversion for all names; none of them has a slash in it.
    joined = "/".join(map(_name_of, found)).encode(_ENCODING, "surrogateescape")
    wary = rules.may_exclude(joined)
    for one, name in zip(found, joined.split(b"/"), strict=False):
        try:
            is_dir = one.is_dir(follow_symlinks=False)
            if wary and excludes(name, is_dir):
                continue
            if is_dir:
                below.append(name)
                continue
            status = one.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        except OSError as error:
            odd.append(Entry(prefix + name, _NOTHING_KNOWN, f"unreadable: {error.strerror}"))
            continue
        if status.st_mode & _FORMAT == _REGULAR and status.st_ino < _SIGNED:
            add_name(name)
            add_stat((status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino))
        elif status.st_mode & _FORMAT == _REGULAR:
            add_name(name)
            add_stat(to_stat(status))
        else:
            odd.append(Entry(prefix + name, to_stat(status), kind_of(status.st_mode)))
    return below


def _ignore_files(fd: int, prefix: bytes) -> tuple[_Contents, list[Entry]]:
    """Read the ignore files of a directory; the entries tell which of them resisted."""
    contents: list[bytes | None] = []
    resisted: list[Entry] = []
    for name in _IGNORE_FILES:
        content = None
        try:
            content = _read(fd, name)
        except OSError as error:
            reason = f"unreadable: {error.strerror}"
            resisted.append(Entry(prefix + name, _NOTHING_KNOWN, reason))
        contents.append(content)
    return (contents[0], contents[1]), resisted


def _read(parent_fd: int, name: bytes) -> bytes | None:
    """Content of a regular file; None for a link and the like, which git does not follow either."""
    try:
        fd = open_beneath(parent_fd, name)
    except (FileNotFoundError, NotRegularFileError):
        return None
    with os.fdopen(fd, "rb") as file:
        return file.read()


def which_rule(root: bytes, path: bytes) -> str | None:
    """Tell which rule keeps a path out of the scan: its own, or that of a directory above it.

    Args:
        root: the root directory.
        path: relative to it; it need not exist. A slash at its end says that it is a directory.

    Returns:
        The pattern and where it stands, such as ``*.log (default)``; None if no rule does.

    Raises:
        RootUnavailableError: the root cannot be opened.
    """
    parts = [part for part in path.split(b"/") if part]
    fd = _open_root(root)
    enter: _Enter = root_rules
    try:
        for left, name in zip(reversed(range(len(parts))), parts, strict=True):
            rules = enter(*_ignore_files(fd, b"")[0])
            is_dir = left > 0 or path.endswith(b"/") or _is_directory(fd, name)
            if rule := rules.excludes(name, is_dir):
                return rule
            enter = partial(rules.child, name)
            fd = _step(fd, name)
    finally:
        if fd != _NOWHERE:
            os.close(fd)
    return None


def _step(fd: int, name: bytes) -> int:
    """Trade a directory for the one of this name in it; for `_NOWHERE` if there is none."""
    if fd == _NOWHERE:
        return _NOWHERE
    try:
        return os.open(name, _BELOW, dir_fd=fd)
    except OSError:
        return _NOWHERE
    finally:
        os.close(fd)


def _is_directory(fd: int, name: bytes) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode)
    except OSError:
        return False
