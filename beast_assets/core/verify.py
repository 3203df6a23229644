"""Ledger against index against disk: is all of it what it says it is?

Reading needs no lock: readers have a published version to themselves. If another version is
published meanwhile, what was read may belong to two of them, and is read again.
"""

from collections.abc import Iterator

from beast_assets.core.cache import EmbeddingCache
from beast_assets.core.embedding import load_embedder
from beast_assets.core.errors import IndexDamagedError, LockedError, NoIndexError
from beast_assets.core.findings import Findings
from beast_assets.core.fingerprint import is_untouched
from beast_assets.core.index import ChunkIndex
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import FileRow
from beast_assets.core.recipe import check_recipe, current_recipe
from beast_assets.core.sampling import Sample, choose
from beast_assets.core.settings import Settings
from beast_assets.core.text import Sandbox
from beast_assets.core.unwritten import UnwrittenLedger, look_ahead
from beast_assets.core.verify_contents import Contents
from beast_assets.core.verify_rows import Range, check_rows, ranges, rows_between
from beast_assets.core.verify_stores import cache_of, check_databases, check_indices

_TRIES = 3


def verify(settings: Settings, sample: Sample | None = None, seed: int = 0) -> Findings:
    """Look everything over; nothing is written.

    Args:
        settings: of the home.
        sample: files to be read, cut and embedded again; None checks the structure only.
        seed: chooses the sample.

    Raises:
        NoIndexError: nothing is published.
        RecipeMismatchError: a sample is asked for, and the settings make other rows than the
            index has.
        LockedError: the index was published anew each time.
    """
    ledger = Ledger.open_existing(settings.ledger_url)
    if sample is not None:
        check_recipe(ledger.recipe(), current_recipe(settings))
    for _ in range(_TRIES):
        before = _publication(ledger)
        found = _Verification(settings, ledger, Findings(seed)).run(sample)
        if "ledger" in found.damaged or _publication(ledger) == before:
            return found
    raise LockedError(
        "the index was published anew each time it was looked over: wait for the runs to end"
    )


def _publication(ledger: Ledger) -> tuple[str | None, str | None]:
    return ledger.meta("published"), ledger.meta("published_ns")


class _Verification:
    """One look at a home."""

    def __init__(self, settings: Settings, ledger: Ledger, found: Findings) -> None:
        self._settings = settings
        self._ledger = ledger
        self._found = found

    def run(self, sample: Sample | None) -> Findings:
        """Look at all of it, as far as what was found lets one see."""
        found = self._found
        check_databases(found, self._settings, self._ledger)
        if "ledger" in found.damaged:
            return found
        found.roots = {root.root_id: root.path for root in self._ledger.roots()}
        try:
            self._check_index(sample)
        except IndexDamagedError as error:
            found.home("unreadable", str(error).splitlines()[0])
            found.lost = True
        found.pending = len(look_ahead(UnwrittenLedger.of(self._settings), self._settings).changes)
        return found

    def _check_index(self, sample: Sample | None) -> None:
        published = self._ledger.published()
        if published is None and not self._ledger.is_lost():
            raise NoIndexError("nothing is indexed here yet: run `beast index DIR` first")
        if published is None:
            raise IndexDamagedError("it was lost, and no run has restored it yet")
        index = ChunkIndex.open(self._settings.index_uri, published.table, published.version)
        index.check_columns()
        check_indices(self._found, index)
        cache = cache_of(self._found, self._settings, self._ledger)
        untouched = is_untouched(self._settings.index_uri, self._ledger.meta("fingerprint"))
        whole = ranges(index.count())
        for part in whole:
            rows = rows_between(index, *part)
            check_rows(self._found, rows, self._ledger.between(*part), cache, untouched)
        self._summarize_cache()
        if sample is not None:
            self._check_sample(sample, index, cache, whole)

    def _summarize_cache(self) -> None:
        if texts := self._found.checked.pop("uncached", 0):
            self._found.home("uncached", f"{texts} texts of {len(self._found.uncached)} files")

    def _check_sample(
        self,
        sample: Sample,
        index: ChunkIndex,
        cache: EmbeddingCache | None,
        whole: list[Range],
    ) -> None:
        settings = self._settings
        embedder = load_embedder(settings.model, threads=settings.threads, backend=settings.backend)
        chosen = choose(sample, self._found.seed, (row.file_id for row in self._readable(whole)))
        with Sandbox() as sandbox:
            contents = Contents(settings, self._found, index, cache, embedder, sandbox)
            contents.check(row for row in self._readable(whole) if chosen(row.file_id))

    def _readable(self, whole: list[Range]) -> Iterator[FileRow]:
        """The files whose content was read when they were indexed."""
        for part in whole:
            for row in self._ledger.between(*part):
                if row.regular and row.indexed is not None and not row.indexed.startswith("!"):
                    yield row
