"""A second copy of the list of roots, in plain text beside an SQLite ledger.

All else in the ledger can be learnt anew from the disk; which folders to look at cannot. The copy
is read only where a ledger is made anew: one that was damaged, or lost.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import sqlalchemy as sa


def copy_path(url: sa.URL) -> Path | None:
    """Where the copy lies; None for a ledger on a server, which has backups of its own."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    path = Path(url.database)
    return path.with_name(f"{path.name}.roots")


def write_copy(url: sa.URL, roots: Iterable[bytes]) -> None:
    """Write the list: one path a line, as a JSON string; in one step, nothing if it is the same."""
    path = copy_path(url)
    if path is None:
        return
    text = "".join(json.dumps(os.fsdecode(root)) + "\n" for root in roots)
    if _text(path) == text:
        return
    partial = path.with_name(path.name + ".partial")
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.replace(path)


def read_copy(url: sa.URL) -> list[bytes]:
    """The paths that are listed; lines that are no absolute path are left out."""
    path = copy_path(url)
    lines = [] if path is None else _text(path).splitlines()
    found = []
    for line in lines:
        try:
            root = os.fsencode(json.loads(line))
        except (ValueError, TypeError):
            continue
        if root.startswith(b"/"):
            found.append(root)
    return found


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
