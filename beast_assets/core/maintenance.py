"""Keep the index fast and small, and keep the promise that what was deleted goes.

Fragments are merged, new rows indexed, old versions dropped; rows that were deleted too long ago
leave the disk (``core.purge``). All of this rewrites files, so no indexing run does it: it is a job
of its own, under the writer lock. The rows stay the same; the new version is published as a run's
would be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from beast_assets.core.ann import facts, keep, plan_of
from beast_assets.core.errors import IndexDamagedError, NoIndexError
from beast_assets.core.forget import finish_forgetting
from beast_assets.core.golden.moves import prune
from beast_assets.core.home import lock_path
from beast_assets.core.index import ChunkIndex
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Published
from beast_assets.core.lock import writer_lock
from beast_assets.core.private import private_files
from beast_assets.core.purge import (
    Retention,
    clean_databases,
    drop_damaged,
    drop_tables_but_published,
    drop_vectors,
    is_due,
    retention_of,
    rewrite,
)
from beast_assets.core.repair import repair, settle
from beast_assets.core.settings import Settings


@dataclass(frozen=True)
class Maintained:
    """What maintenance did.

    Attributes:
        version: that readers see now.
        rows: of the index.
        bytes_before: of a local index (0 for an object store).
        bytes_after: the same, afterwards.
        purged: whether deleted rows were removed from the index's files.
        tables_removed: replaced tables that nobody reads any more.
        vectors_removed: vectors of texts that no row has had for as long as they are kept.
    """

    version: int
    rows: int
    bytes_before: int
    bytes_after: int
    purged: bool
    tables_removed: int
    vectors_removed: int


def maintain(
    settings: Settings,
    *,
    retention: Retention | None = None,
    timeout_s: float = 0,
    waiting: Callable[[str], None] | None = None,
) -> Maintained:
    """Optimize the published index and remove what is older than the retention.

    Args:
        settings: where the index is.
        retention: what may stay how long; ``BEAST_RETENTION_DAYS`` by default.
        timeout_s: how long to wait for another writer.
        waiting: told whom the wait is for.

    Raises:
        NoIndexError: nothing is published.
        LockedError: a run kept the lock for longer than ``timeout_s``.
        IndexDamagedError: the index is not what the ledger says; an indexing run repairs it.
        HeldBackError: the disk is too full to write the rows anew.
    """
    ledger = Ledger.open_existing(settings.ledger_url)
    lock = writer_lock(lock_path(settings), timeout_s=timeout_s, waiting=waiting)
    with lock, private_files():
        finish_forgetting(settings, ledger)
        published = _sound(settings, ledger)
        prune(settings.home, ledger)
        return _maintain(settings, ledger, published, retention or retention_of(settings))


def _sound(settings: Settings, ledger: Ledger) -> Published:
    dirty = repair(ledger, settings.index_uri)
    published = ledger.published()
    if published is None:
        raise NoIndexError("nothing is indexed here yet: run `beast index DIR` first")
    if dirty:
        raise IndexDamagedError("the index needs repair: run `beast index`, then this again")
    return published


def _maintain(
    settings: Settings, ledger: Ledger, published: Published, retention: Retention
) -> Maintained:
    uri = settings.index_uri
    before, purged = _size(uri), is_due(ledger, retention.grace)
    if purged:
        index = rewrite(settings, ledger)
    else:
        index = ChunkIndex.open(uri, published.table)
        index.begin(published.version)
        plan = keep(index, published.table, plan_of(ledger, published), optimize=True)
        ledger.republish(Published(published.table, index.version), facts(plan))
    index.drop_versions(retention.keep)
    tables = drop_tables_but_published(settings, ledger, retention.keep)
    vectors = drop_vectors(settings, index, retention.grace)
    drop_damaged(settings, retention.grace)
    settle(ledger, uri)
    if purged or vectors:
        clean_databases(settings)
    return Maintained(index.version, index.count(), before, _size(uri), purged, tables, vectors)


def _size(uri: str) -> int:
    if "://" in uri:
        return 0
    return sum(path.stat().st_size for path in Path(uri).rglob("*") if path.is_file())
