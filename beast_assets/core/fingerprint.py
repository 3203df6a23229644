"""A fingerprint of the index's files, taken without opening the index.

It is recorded when a version is published. Where it differs later, somebody or something touched
the index behind the ledger's back (a lost folder, an older copy, a run that died half way), and the
index is compared row by row with the ledger.
"""

import hashlib
import os
from pathlib import Path

_REMOTE = "remote"


def is_untouched(uri: str, recorded: str | None) -> bool:
    """Whether the index's files are the ones recorded; an object store is never known to be so."""
    found = index_fingerprint(uri)
    return found == recorded and found != _REMOTE


def index_fingerprint(uri: str) -> str:
    """SHA-256 over name, size and mtime of every file of a local index.

    Args:
        uri: a folder; a URL of an object store has no files to look at.

    Returns:
        Hex digits; ``absent`` where there is no folder; ``remote`` for a URL.
    """
    if "://" in uri:
        return _REMOTE
    root = Path(uri)
    if not root.is_dir():
        return "absent"
    digest = hashlib.sha256()
    for name, size, mtime_ns in sorted(_walk(root)):
        digest.update(f"{name}\0{size}\0{mtime_ns}\n".encode())
    return digest.hexdigest()


def _walk(root: Path) -> list[tuple[str, int, int]]:
    found = []
    stack = [""]
    while stack:
        below = stack.pop()
        with os.scandir(root / below) as entries:
            for entry in entries:
                name = f"{below}/{entry.name}" if below else entry.name
                if entry.is_dir(follow_symlinks=False):
                    stack.append(name)
                else:
                    stat = entry.stat(follow_symlinks=False)
                    found.append((name, stat.st_size, stat.st_mtime_ns))
    return found
