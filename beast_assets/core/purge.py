"""What no published row holds any more leaves the disk: rows, indices, vectors, free pages.

LanceDB only marks a deleted row as such: its text and vector stay in the data file until more than
a tenth of that file is dead, and its words in the full-text index for longer. So the rows that live
are written to a table of their own, and the old table goes as a whole. SQLite keeps what was
deleted in free pages and in its log: both are rewritten.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from beast_assets.core.ann import facts, keep
from beast_assets.core.cache import drop_unused, scrub_cache
from beast_assets.core.database import scrub
from beast_assets.core.disk import require_room_to_copy
from beast_assets.core.home import cache_url
from beast_assets.core.index import ChunkIndex, drop_tables, next_table, tables_of
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Publication, Published
from beast_assets.core.settings import Settings

# Readers that opened an older version have this long to finish with it.
KEEP_VERSIONS = timedelta(days=1)
# One day until the next maintenance, two until the one after which no reader has the old table.
_MARGIN = timedelta(days=3)


@dataclass(frozen=True)
class Retention:
    """How long what is dead may stay.

    Attributes:
        grace: dead rows and unused vectors are left alone for this long.
        keep: older versions and replaced tables stay open to their readers for this long.
    """

    grace: timedelta
    keep: timedelta


AT_ONCE = Retention(timedelta(0), timedelta(0))


def retention_of(settings: Settings) -> Retention:
    """What makes a maintenance each night keep to ``BEAST_RETENTION_DAYS``."""
    days = timedelta(days=settings.retention_days)
    if days < _MARGIN:
        return AT_ONCE
    return Retention(days - _MARGIN, KEEP_VERSIONS)


def is_due(ledger: Ledger, grace: timedelta) -> bool:
    """Whether rows were deleted longer ago than ``grace`` and are still in the index's files."""
    since = int(ledger.meta("dead_since") or 0)
    return bool(since) and since <= time.time_ns() - int(grace.total_seconds() * 1e9)


def rewrite(
    settings: Settings,
    ledger: Ledger,
    *,
    without: Collection[str] = (),
    removed: Sequence[str] = (),
) -> ChunkIndex:
    """Publish the living rows in a table of their own; the old table is retired.

    Args:
        settings: where the index is.
        ledger: the writer lock is held, and something is published.
        without: names of files whose rows are left behind.
        removed: names of files whose rows leave the ledger in the same transaction.

    Raises:
        HeldBackError: the disk is too full for a second copy of the rows.
        IndexDamagedError: the rows cannot be read.
    """
    uri, published = settings.index_uri, ledger.published() or Published("", 0)
    require_room_to_copy(settings, published.table)
    name = next_table(ledger.index_name(), published.table)
    old = ChunkIndex.open(uri, published.table, published.version)
    new = old.copy(uri, name, without)
    new.finish()
    plan = keep(new, name, None, optimize=True)
    ledger.publish(
        Publication(
            Published(name, new.version),
            ledger.recipe() or {},
            ledger.meta("model") or "",
            removed=list(removed),
            facts=facts(plan),
        )
    )
    return new


def drop_tables_but_published(settings: Settings, ledger: Ledger, keep: timedelta) -> int:
    """Remove the tables that nobody reads any more, those of dead runs too; gives their number."""
    published = ledger.published()
    spared = {published.table} if published else set()
    spared |= set(ledger.retired_tables(timedelta(0))) - set(ledger.retired_tables(keep))
    gone = [name for name in tables_of(settings.index_uri, ledger.index_name()) - spared]
    drop_tables(settings.index_uri, gone)
    return len(gone)


def drop_vectors(settings: Settings, index: ChunkIndex | None, grace: timedelta) -> int:
    """Remove vectors of texts that no published row has had for ``grace``; gives their number."""
    live = index.text_hashes() if index is not None else iter(())
    return drop_unused(cache_url(settings), live, grace)


def drop_damaged(settings: Settings, grace: timedelta) -> None:
    """Remove databases that were put aside as damaged: a cache holds vectors, too."""
    until = time.time() - grace.total_seconds()
    for damaged in settings.home.glob("*.damaged-*"):
        if damaged.stat().st_ctime <= until:
            damaged.unlink()


def clean_databases(settings: Settings) -> None:
    """Write over what was deleted from the databases.

    Raises:
        BeastError: another process has one of them open for reading, and does not end.
    """
    if cache_url(settings) != settings.ledger_url:
        scrub_cache(cache_url(settings))
    scrub(settings.ledger_url)
