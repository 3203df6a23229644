"""Keep the index fast and small: merge fragments, index new rows, drop old versions.

Rewriting fragments costs seconds at 100,000 rows, so no indexing run does it: it is a job of its
own, under the writer lock. The rows stay the same; the new version is published as a run's would
be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from beast_assets.core.errors import IndexDamagedError, NoIndexError
from beast_assets.core.home import lock_path
from beast_assets.core.index import ChunkIndex, drop_tables, table_names
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Published
from beast_assets.core.lock import writer_lock
from beast_assets.core.repair import repair, settle
from beast_assets.core.settings import Settings

# Readers that opened an older version have this long to finish with it.
KEEP_VERSIONS = timedelta(days=1)


@dataclass(frozen=True)
class Maintained:
    """What maintenance did; sizes in bytes, of a local index (0 for an object store)."""

    version: int
    rows: int
    bytes_before: int
    bytes_after: int


def maintain(
    settings: Settings,
    *,
    keep: timedelta = KEEP_VERSIONS,
    timeout_s: float = 0,
    waiting: Callable[[str], None] | None = None,
) -> Maintained:
    """Optimize the published index and remove versions older than ``keep``.

    Raises:
        NoIndexError: nothing is published.
        LockedError: a run kept the lock for longer than ``timeout_s``.
        IndexDamagedError: the index is not what the ledger says; an indexing run repairs it.
    """
    ledger = Ledger.open_existing(settings.ledger_url)
    with writer_lock(lock_path(settings), timeout_s=timeout_s, waiting=waiting):
        uri = settings.index_uri
        dirty = repair(ledger, uri)
        published = ledger.published()
        if published is None:
            raise NoIndexError("nothing is indexed here yet: run `beast index DIR` first")
        if dirty:
            raise IndexDamagedError("the index needs repair: run `beast index`, then this again")
        before = _size(uri)
        index = ChunkIndex.open(uri, published.table)
        index.begin(published.version)
        index.optimize()
        ledger.republish(Published(published.table, index.version))
        index.drop_versions(keep)
        drop_tables(uri, ledger.retired_tables(keep))
        drop_tables(uri, [name for name in table_names(uri) if ledger.is_stray(name)])
        settle(ledger, uri)
        return Maintained(index.version, index.count(), before, _size(uri))


def _size(uri: str) -> int:
    if "://" in uri:
        return 0
    return sum(path.stat().st_size for path in Path(uri).rglob("*") if path.is_file())
