"""The folders that are indexed: how they get in and how they get out."""

import os
from collections.abc import Iterable
from pathlib import Path

from beast_assets.core.errors import UsageError
from beast_assets.core.ledger import Ledger, Root


def absolute_root(path: bytes) -> bytes:
    """The name under which a folder is registered: absolute, links resolved."""
    return bytes(Path(os.fsdecode(path)).resolve())


def existing_root(path: bytes) -> bytes:
    """The same, for a folder that a user names.

    Raises:
        UsageError: there is no folder of that name.
    """
    root = absolute_root(path)
    if not Path(os.fsdecode(root)).is_dir():
        shown = path.decode("utf-8", "backslashreplace")
        raise UsageError(f"{shown} is not a folder: name an existing folder to index")
    return root


def register_roots(ledger: Ledger, paths: Iterable[bytes]) -> list[Root]:
    """Add folders; one that lies in a registered folder is covered already and not added."""
    added = []
    for path in map(absolute_root, paths):
        known = [root.path for root in ledger.roots()]
        if not any(_covers(outer, path) for outer in known):
            added.append(ledger.add_root(path))
    return added


def remove_root(ledger: Ledger, path: bytes) -> Root:
    """Forget a folder.

    Raises:
        UsageError: it is not registered.
    """
    for root in ledger.roots():
        if root.path == path:
            ledger.remove_root(root.root_id)
            return root
    shown = path.decode("utf-8", "backslashreplace")
    raise UsageError(f"{shown} is not a root: see `beast roots list`")


def _covers(outer: bytes, inner: bytes) -> bool:
    return inner == outer or inner.startswith(outer.rstrip(b"/") + b"/")
