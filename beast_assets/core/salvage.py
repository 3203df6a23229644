"""A ledger that SQLite calls damaged: put aside, said loudly, and made anew from the disk.

The folders come from the copy beside the ledger, or from the damaged file as far as it can be
read; hashes and rows from the disk; vectors from their cache.
"""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from beast_assets.core import ids
from beast_assets.core.database import engine_for, put_aside
from beast_assets.core.errors import DatabaseDamagedError
from beast_assets.core.planning import Change
from beast_assets.core.roots_copy import copy_path, read_copy, write_copy

_log = logging.getLogger(__name__)


def salvage(url: str, home: Path, error: DatabaseDamagedError) -> None:
    """Put the damaged ledger aside; the next ``Ledger.open`` makes one with the same roots.

    Args:
        url: the ledger's.
        home: a damaged file elsewhere is ours only if the copy of its roots lies beside it.
        error: what was found; raised again where the file may be somebody else's.
    """
    engine = engine_for(url)
    copy = copy_path(engine.url)
    if copy is None or not (copy.exists() or copy.parent == home):
        raise error
    if error.place not in ("", engine.url.database):
        raise error  # another database's
    roots = read_copy(engine.url)
    aside = put_aside(engine)
    if not roots:
        roots = _readable_roots(aside)
        write_copy(engine.url, roots)
    _log.warning(
        "%s; it lies in %s now, and the index is built anew from %d folders: "
        "see `beast roots list`, and add what is missing",
        error,
        aside,
        len(roots),
    )


def check_names(changes: list[Change]) -> None:
    """See that files to be changed have the names that their paths give.

    Names are derived: where one is not, a byte of the ledger is not what was written. SQLite has no
    checksums, and finds damage to its own structure only.

    Raises:
        DatabaseDamagedError: a name is another.
    """
    for change in changes:
        known = change.root_id.isascii()
        if not known or ids.file_id(change.root_id, change.path) != change.file_id:
            raise DatabaseDamagedError(
                f"the ledger's database is damaged (the row of {change.path!r} has another "
                "file's name)"
            )


def _readable_roots(path: Path) -> list[bytes]:
    try:
        with closing(sqlite3.connect(f"file:{quote(bytes(path))}?mode=ro", uri=True)) as database:
            rows = database.execute("SELECT root_id, path FROM roots").fetchall()
    except sqlite3.Error:
        return []
    return [root for name, root in rows if isinstance(root, bytes) and ids.root_id(root) == name]
