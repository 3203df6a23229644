"""Where ledger and index disagree, believe the index and mend the ledger.

This runs when the index's files are not the ones that were there at the last publication. Files
whose rows are not what the ledger says are marked as not indexed, so that the run at hand writes
them anew (from cached vectors, as a rule). Where the published version cannot be read at all,
nothing is published any more until a run has made a new one.
"""

from beast_assets.core.errors import IndexDamagedError
from beast_assets.core.fingerprint import index_fingerprint, is_untouched
from beast_assets.core.index import ChunkIndex
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Published


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
    try:
        index = ChunkIndex.open(uri, published.table, published.version)
        index.check_columns()
        actual = index.digests()
    except IndexDamagedError:
        ledger.unpublish()
        return frozenset()
    recorded = {
        row.file_id: (row.chunks, row.rows_digest)
        for row in ledger.files()
        if row.indexed is not None and row.chunks
    }
    wrong = {name for name, rows in recorded.items() if actual.get(name) != rows}
    orphans = actual.keys() - recorded.keys()
    ledger.distrust(sorted(wrong))
    dirty = frozenset(wrong | orphans)
    if not dirty:
        index.begin(published.version)
        index.mend_indices()
        ledger.republish(Published(published.table, index.finish()))
        settle(ledger, uri)
    return dirty


def settle(ledger: Ledger, uri: str) -> None:
    """Record the fingerprint of the index's files as they now stand."""
    ledger.set_meta("fingerprint", index_fingerprint(uri))
