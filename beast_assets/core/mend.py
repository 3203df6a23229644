"""Have a run write anew what a verification found wrong.

Nothing is changed in place: what cannot be believed is marked, and the indexing run that follows
makes it again, as it would after any other loss. Each mark is harmless by itself if the process
dies after it.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from beast_assets.core.cache import EmbeddingCache, start_anew
from beast_assets.core.database import engine_for, slices
from beast_assets.core.findings import Difference, Findings
from beast_assets.core.home import cache_url, lock_path
from beast_assets.core.index import ChunkIndex
from beast_assets.core.ledger import Ledger
from beast_assets.core.lock import writer_lock
from beast_assets.core.sampling import Sample
from beast_assets.core.settings import Settings
from beast_assets.core.vector_checks import is_unit
from beast_assets.core.verify import verify

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# A cache that was put aside is filled again by the second.
_ROUNDS = 2
_FILES_AT_ONCE = 100


def verify_and_repair(
    settings: Settings,
    sample: Sample | None,
    seed: int,
    run: Callable[[], object],
    timeout_s: float = 0,
) -> tuple[Findings, list[Difference]]:
    """Verify, mark what is wrong, run, and verify again, all under the writer lock.

    Args:
        settings: of the home.
        sample: see ``verify``.
        seed: see ``verify``.
        run: an indexing run in this thread.
        timeout_s: how long to wait for another writer.

    Returns:
        What is found after the repair, and what was found before it.

    Raises:
        LockedError: another writer kept the lock.
        NoIndexError: nothing is published.
        RecipeMismatchError: the settings make other rows than the index has.
    """
    Ledger.open_existing(settings.ledger_url)
    before: list[Difference] = []
    with writer_lock(lock_path(settings), timeout_s=timeout_s) as lock:
        found = verify(settings, sample, seed)
        for _ in range(_ROUNDS):
            if not found.differences:
                break
            before += found.differences
            if "ledger" not in found.damaged:  # else the run itself puts it aside
                mend(settings, found)
            lock.look = None  # of a run before this one
            run()
            found = verify(settings, sample, seed)
    return found, before


def mend(settings: Settings, found: Findings) -> None:
    """Mark what was found wrong, for the next run to make it again; the writer lock is held."""
    ledger = Ledger.open(settings.ledger_url)
    ledger.set_meta("fingerprint", "")  # the next run compares every row with the ledger
    _mend_cache(settings, ledger, found)
    misread = ledger.named(sorted(found.misread))
    ledger.observe(row.observed._replace(content=None, hashed_ns=0) for row in misread)
    if found.lost:
        ledger.unpublish()
    ledger.forget(sorted(found.misnamed))
    ledger.distrust(sorted(found.wrong))


def _mend_cache(settings: Settings, ledger: Ledger, found: Findings) -> None:
    url, recipe, published = cache_url(settings), ledger.recipe() or {}, ledger.published()
    if "cache" in found.damaged:
        start_anew(engine_for(url))
    cache = EmbeddingCache(url, recipe.get("model", ""))
    cache.drop(sorted(found.bad_cached))
    if found.lost or published is None:
        return
    index = ChunkIndex.open(settings.index_uri, published.table, published.version)
    for part in slices(sorted(found.uncached - found.wrong), _FILES_AT_ONCE):
        vectors = _vectors(index, part, found)
        missing = cache.missing(sorted(vectors))
        cache.put({key: vectors[key] for key in missing})


def _vectors(
    index: ChunkIndex, file_ids: Sequence[str], found: Findings
) -> "dict[str, NDArray[np.float16]]":
    """Vectors by text; files of which one cannot be a vector are to be written anew."""
    import numpy as np
    from lancedb.expr import col

    search = index.table.search().where(col("file_id").isin(list(file_ids)))
    table = search.select(["file_id", "text_sha256", "vector"]).to_arrow()
    vectors = np.array(table["vector"].to_pylist(), dtype=np.float16)
    sound = is_unit(vectors)
    found.wrong.update(
        name for name, ok in zip(table["file_id"].to_pylist(), sound, strict=True) if not ok
    )
    keys = zip(table["text_sha256"].to_pylist(), vectors, sound, strict=True)
    return {key: vector for key, vector, ok in keys if ok}
