"""Files of the home are nobody else's business: 0600, folders 0700, whoever makes them.

SQLite, LanceDB and Dagster make files with what the process's mask leaves, so the mask is set while
a run works. What other processes made (Dagster's webserver, daemon and command line) is mended when
a run ends.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@contextmanager
def private_files() -> Iterator[None]:
    """Keep group and others out of every file that this process makes meanwhile."""
    before = os.umask(_OTHERS)
    try:
        yield
    finally:
        os.umask(before)


def close_all(folder: Path) -> None:
    """Close a folder and all that is in it."""
    close(folder)
    for where, folders, files in os.walk(folder):
        for name in (*folders, *files):
            close(Path(where, name))


def close(path: Path) -> None:
    """Take the rights of group and others from a file or folder.

    Links, what is not there, and what belongs to another user is left alone.
    """
    with suppress(FileNotFoundError, PermissionError):
        mode = path.lstat().st_mode
        if mode & _OTHERS and not stat.S_ISLNK(mode):
            path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
