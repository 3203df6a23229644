"""The folders that are indexed: how they get in and how they get out."""

import os
from collections.abc import Iterable
from pathlib import Path

from beast_assets.core.errors import UsageError
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Root


def absolute_root(path: bytes) -> bytes:
    """The name under which a folder is registered: absolute, links resolved."""
    try:
        return bytes(Path(os.fsdecode(path)).resolve())
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a NUL
        raise UsageError(f"{_shown(path)} cannot be resolved: {error}") from error


def existing_root(path: bytes) -> bytes:
    """The same, for a folder that a user names.

    Raises:
        UsageError: there is no folder of that name.
    """
    root = absolute_root(path)
    if not Path(os.fsdecode(root)).is_dir():
        raise UsageError(f"{_shown(path)} is not a folder: name an existing folder to index")
    return root


def register_roots(ledger: Ledger, paths: Iterable[bytes], home: Path) -> list[Root]:
    """Add folders; one that lies in a registered folder is covered already and not added.

    Raises:
        UsageError: a folder is the home, or lies in it.
    """
    known = [root.path for root in ledger.roots()]
    return [ledger.add_root(path) for path in new_roots(known, paths, home)]


def new_roots(known: Iterable[bytes], paths: Iterable[bytes], home: Path) -> list[bytes]:
    """Those of ``paths``, as absolute names, that registering would add to the ``known`` ones.

    Raises:
        UsageError: a folder is the home, or lies in it.
    """
    covered, added = list(known), []
    for path in map(absolute_root, paths):
        if _covers(absolute_root(bytes(home)), path):
            raise UsageError(f"{_shown(path)} belongs to the home {home}: index another folder")
        same = {folder_identity(other) for other in covered} - {None}
        if folder_identity(path) not in same and not any(_covers(one, path) for one in covered):
            added.append(path)
            covered.append(path)
    return added


def find_root(ledger: Ledger, path: bytes) -> Root:
    """A registered folder by the name a user gives, its links resolved or not.

    Raises:
        UsageError: it is not registered.
    """
    names = {absolute_root(path), os.path.abspath(path)}  # noqa: PTH100 links are kept
    for root in ledger.roots():
        if root.path in names:
            return root
    raise UsageError(f"{_shown(path)} is not a root: see `beast roots list`")


def folder_identity(path: bytes) -> tuple[int, int] | None:
    """What tells a folder whatever its name: device and inode; None where there is none."""
    try:
        stat = Path(os.fsdecode(path)).stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def _shown(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")


def _covers(outer: bytes, inner: bytes) -> bool:
    return inner == outer or inner.startswith(outer.rstrip(b"/") + b"/")
