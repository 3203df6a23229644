"""The index against the ledger, and its own indices."""

from typing import Any

from beast_assets.core.ann import ANN_FROM_ROWS
from beast_assets.core.fingerprint import is_untouched
from beast_assets.core.health.records import FAIL, OK, WARN, Finding
from beast_assets.core.health.subject import NothingToSayError, Subject
from beast_assets.core.health.writer import is_written
from beast_assets.core.index import ChunkIndex, reading
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Published
from beast_assets.core.settings import Settings

_REPAIR = "`beast verify --repair` mends it"


def index(subject: Subject) -> Finding:
    """Whether the published index opens, with as many rows as the ledger says."""
    settings, ledger = subject.settings, subject.ledger()
    published = _published(ledger)
    rows, chunks = _counted(settings, ledger, published)
    if ledger.published() != published:  # another one was published between the two counts
        published = _published(ledger)
        rows, chunks = _counted(settings, ledger, published)
    figures = {"rows": rows, "chunks": chunks, "version": published.version}
    if rows != chunks:
        return _differ(settings, figures)
    if _was_touched(settings, ledger):
        words = "its files are not as the last run left them: `beast index` compares and mends"
        return Finding(WARN, words, figures)
    return Finding(OK, f"version {published.version}, {rows} rows, as the ledger says", figures)


def _differ(settings: Settings, figures: dict[str, int]) -> Finding:
    words = "the index has {rows} rows, the ledger knows of {chunks}".format_map(figures)
    if is_written(settings):
        return Finding(WARN, f"{words}; a run is at it: look again when it has ended", figures)
    return Finding(FAIL, f"{words}: {_REPAIR}", figures)


def _published(ledger: Ledger) -> Published:
    published = ledger.published()
    if published is not None:
        return published
    if ledger.is_lost():
        words = "the index is lost: `beast index` writes it anew, from cached vectors"
        raise NothingToSayError(Finding(FAIL, words))
    words = "nothing is published yet: run `beast index`"
    raise NothingToSayError(Finding(WARN, words))


def _counted(settings: Settings, ledger: Ledger, published: Published) -> tuple[int, int]:
    found = ChunkIndex.open(settings.index_uri, published.table, published.version)
    found.check_columns()
    with reading():
        return found.count(), ledger.totals()["chunks"]


def _was_touched(settings: Settings, ledger: Ledger) -> bool:
    # Of an object store it is never known; a run that is under way touches them.
    known = "://" not in settings.index_uri and not is_written(settings)
    return known and not is_untouched(settings.index_uri, ledger.meta("fingerprint"))


def search_indices(subject: Subject) -> Finding:
    """Whether the full-text index answers, and the vector index where there should be one."""
    published = _published(subject.ledger())
    found = ChunkIndex.open(subject.settings.index_uri, published.table, published.version)
    with reading():
        rows, text, vector = found.count(), found.has_index("text"), found.has_index("vector")
        broken = found.broken_indices()
    figures: dict[str, Any] = {"rows": rows, "text": text, "vector": vector, "broken": broken}
    if rows and not text:
        return Finding(FAIL, f"there is no full-text index: {_REPAIR}", figures)
    if broken:
        words = f"the index of {' and '.join(broken)} does not answer"
        return Finding(FAIL, f"{words}: {_REPAIR}", figures)
    if rows >= ANN_FROM_ROWS and not vector:
        words = f"{rows} rows without a vector index are slow: run `beast maintain`"
        return Finding(WARN, words, figures)
    return Finding(OK, "they answer" if rows else "there are no rows to index", figures)
