"""Where ledger and index disagree, believe the index and mend the ledger.

This runs when the index's files are not the ones that were there at the last publication. Files
whose rows are not what the ledger says are marked as not indexed, so that the run at hand writes
them anew (from cached vectors, as a rule).
"""

from beast_assets.core.errors import IndexDamagedError
from beast_assets.core.fingerprint import index_fingerprint, is_untouched
from beast_assets.core.index import PUBLISHED_TAG, ChunkIndex
from beast_assets.core.ledger import Ledger, Published


def repair(ledger: Ledger, uri: str) -> frozenset[str]:
    """Compare the index with the ledger unless the index is untouched since the last publication.

    Args:
        ledger: the writer lock is held.
        uri: the index.

    Returns:
        Names of files whose rows in the index are not the recorded ones: the next publication has
        to replace or remove these rows.
    """
    published = ledger.published()
    if published is None or is_untouched(uri, ledger.meta("fingerprint")):
        return frozenset()
    found = _readable(uri, published)
    if found is None:
        ledger.unpublish()
        return frozenset()
    index, version = found
    recorded = {
        row.file_id: (row.chunks, row.rows_digest)
        for row in ledger.files()
        if row.indexed is not None and row.chunks
    }
    actual = index.digests()
    wrong = {name for name, rows in recorded.items() if actual.get(name) != rows}
    orphans = actual.keys() - recorded.keys()
    ledger.distrust(sorted(wrong))
    if version != published.version:
        ledger.republish(Published(published.table, version))
    dirty = frozenset(wrong | orphans)
    if not dirty:
        settle(ledger, uri, index, version)
    return dirty


def settle(ledger: Ledger, uri: str, index: ChunkIndex, version: int) -> None:
    """Tag a published version and record the fingerprint of the files as they now stand."""
    index.tag(version)
    ledger.set_meta("fingerprint", index_fingerprint(uri))


def _readable(uri: str, published: Published) -> tuple[ChunkIndex, int] | None:
    """The published version, or in an older copy of the index the one published then."""
    try:
        index = ChunkIndex.open(uri, published.table, published.version)
        index.digests()
        return index, published.version
    except IndexDamagedError:
        pass
    try:
        index = ChunkIndex.open(uri, published.table, PUBLISHED_TAG)
        index.digests()
        return index, index.version
    except IndexDamagedError:
        return None
