"""Take a file or folder out of the index at once, with every trace of its text and vectors.

The wish is recorded first; who takes the writer lock after a death finishes it. Readers that have
an older version open lose it: they fail with ``IndexDamagedError`` and open the index again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from beast_assets.core import ids
from beast_assets.core.errors import UsageError
from beast_assets.core.forgotten import (
    absolute_path,
    allow_again,
    covers,
    excluded_paths,
    fulfil,
    pending_paths,
    wish,
)
from beast_assets.core.golden.held import let_go
from beast_assets.core.golden.moves import forget_paths
from beast_assets.core.home import lock_path
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import FileRow
from beast_assets.core.lock import writer_lock
from beast_assets.core.purge import (
    AT_ONCE,
    clean_databases,
    drop_damaged,
    drop_tables_but_published,
    drop_vectors,
    rewrite,
)
from beast_assets.core.repair import repair, settle
from beast_assets.core.settings import Settings


@dataclass(frozen=True)
class Purged:
    """What was forgotten.

    Attributes:
        files: files and other entries that the ledger knew.
        chunks: their rows in the index.
        vectors: removed from the cache: all that no row of the index has, of whatever file.
        excluded: absolute paths that are on the disk and stay out of the index from now on.
    """

    files: int = 0
    chunks: int = 0
    vectors: int = 0
    excluded: list[bytes] = field(default_factory=list)


def forget(
    settings: Settings,
    paths: Sequence[bytes],
    *,
    timeout_s: float = 0,
    waiting: Callable[[str], None] | None = None,
) -> Purged:
    """Forget files and folders now, and all that earlier deletions left on the disk.

    Args:
        settings: whose index.
        paths: they need not exist; what does stays out of the index from now on.
        timeout_s: how long to wait for another writer.
        waiting: told whom the wait is for.

    Raises:
        NoIndexError: there is no home here.
        LockedError: a run kept the lock.
        HeldBackError: the disk is too full for a second copy of the living rows.
        BeastError: another process keeps a database open; the next run finishes.
    """
    ledger = Ledger.open_existing(settings.ledger_url)
    wanted = [absolute_path(path) for path in paths]
    with writer_lock(lock_path(settings), timeout_s=timeout_s, waiting=waiting):
        wish(ledger, wanted)
        return finish_forgetting(settings, ledger)


def remember(settings: Settings, paths: Sequence[bytes]) -> list[bytes]:
    """Let forgotten paths back in; the next run indexes them. Gives their absolute paths.

    Raises:
        NoIndexError: there is no home here.
        UsageError: one of them is not forgotten.
    """
    ledger = Ledger.open_existing(settings.ledger_url)
    wanted = [absolute_path(path) for path in paths]
    with writer_lock(lock_path(settings)):
        known = excluded_paths(ledger)
        for path in wanted:
            if path not in known:
                shown = path.decode("utf-8", "backslashreplace")
                raise UsageError(f"{shown} is not forgotten: `beast status` lists what is")
        allow_again(ledger, wanted)
    return wanted


def finish_forgetting(settings: Settings, ledger: Ledger) -> Purged:
    """Do what is still pending; each step may be repeated. The writer lock is held."""
    paths = pending_paths(ledger)
    if not paths:
        return Purged()
    rows = _rows_of(ledger, paths)
    dirty = repair(ledger, settings.index_uri)
    names = [row.file_id for row in rows]
    index = None
    if ledger.published() is not None:
        # A row that is not as recorded is left behind, too: the next run writes it anew.
        index = rewrite(settings, ledger, without={*names, *dirty}, removed=names)
    else:
        ledger.forget(names)
    drop_tables_but_published(settings, ledger, AT_ONCE.keep)
    vectors = drop_vectors(settings, index, AT_ONCE.grace)
    settle(ledger, settings.index_uri)
    forget_paths(settings.home, paths)
    let_go(ledger)
    drop_damaged(settings, AT_ONCE.grace)
    excluded = [path for path in paths if path in excluded_paths(ledger)]
    done = Purged(len(rows), sum(row.chunks for row in rows), vectors, excluded)
    clean_databases(settings)
    fulfil(ledger)
    return done


def _rows_of(ledger: Ledger, paths: Sequence[bytes]) -> list[FileRow]:
    """The rows of what lies at or below these paths, of removed roots as well."""
    roots = {root.root_id: root.path for root in ledger.roots()}
    for path in paths:
        parts = path.split(b"/")
        above = [b"/".join(parts[:end]) or b"/" for end in range(1, len(parts) + 1)]
        roots = {ids.root_id(folder): folder for folder in above} | roots
    found = []
    for row in ledger.files():
        root = roots.get(row.root_id)
        whole = None if root is None else root.rstrip(b"/") + b"/" + row.path
        if whole is not None and any(covers(path, whole) for path in paths):
            found.append(row)
    return found
