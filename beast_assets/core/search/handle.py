"""An open index that follows its versions, keeps answers, and joins equal questions in flight."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple

from beast_assets.core.errors import IndexDamagedError, NoIndexError
from beast_assets.core.ledger import Ledger
from beast_assets.core.search.encoder import QueryEncoder
from beast_assets.core.search.hits import Hits, Passage
from beast_assets.core.search.kept import Kept
from beast_assets.core.search.options import SearchOptions
from beast_assets.core.search.published import Publication, PublishedVersion
from beast_assets.core.search.searcher import Found, Searcher
from beast_assets.core.settings import Settings
from beast_assets.core.status import index_status

_Key = tuple[str, str, SearchOptions]
#: Does the work that it is given, now or in another thread.
Start = Callable[[Callable[[], None]], object]


class Answer(NamedTuple):
    """What was found, and by whom."""

    searcher: Searcher
    found: Found

    @property
    def characters(self) -> int:
        """How much text it holds."""
        return sum(len(hit.text) for hit in self.found.hits)

    def hits(self) -> Hits:
        """The hits, with those of files that changed since marked as stale."""
        return self.searcher.refresh(self.found)


def _now(work: Callable[[], None]) -> None:
    work()


@dataclass
class Counters:
    """What became of the questions so far.

    Attributes:
        computed: asked of the index.
        cached: answered from memory.
        joined: waited for the answer to an equal question that was being computed.
        reopened: how often a new version of the index was opened.
    """

    computed: int = 0
    cached: int = 0
    joined: int = 0
    reopened: int = 0


class IndexHandle:
    """A home's index for as long as you like; thread-safe.

    Each call sees the version that is published when it begins. An answer is kept for as long as
    its version is; whether files changed on disk since is looked up each time.

    Attributes:
        settings: of the home.
        counters: what became of the questions so far.
    """

    def __init__(self, settings: Settings) -> None:
        """Open a home; the index and the model are opened by the first question.

        Raises:
            NoIndexError: there is no home.
        """
        self.settings = settings
        self.counters = Counters()
        self._published = PublishedVersion(settings.ledger_url)
        self._encoder = QueryEncoder(settings)
        self._searcher: Searcher | None = None
        self._opened: tuple[Publication, Ledger] | None = None
        self._kept: Kept[Answer] = Kept()
        self._running: dict[_Key, Future[Answer]] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<index of {self.settings.home}>"

    def __enter__(self) -> "IndexHandle":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the index and of what was kept; a later question opens it again."""
        with self._lock:
            self._searcher = None
            self._kept.clear()
            self._published.close()

    def warm_up(self) -> None:
        """Open index and model, so that the first question need not.

        Raises:
            BeastError: as ``search``.
        """
        self._follow().find("warm up", SearchOptions(k=1))

    def search(self, query: str, k: int = 10, **options: Any) -> Hits:
        """The ``k`` best passages, best first.

        Args:
            query: a question, keywords or a fragment of text.
            k: at most so many, at least 1.
            **options: the others of ``SearchOptions``, by name.

        Raises:
            UsageError: the question is empty, or an option is not among those allowed.
            NoIndexError: nothing is published yet.
            IndexDamagedError: the index cannot be read.
        """
        return self.answer(query, SearchOptions(k=k, **options))

    def answer(self, query: str, options: SearchOptions) -> Hits:
        """As ``search``, with the options in one."""
        return self.begin(query, options).result().hits()

    def begin(self, query: str, options: SearchOptions, start: Start = _now) -> Future[Answer]:
        """The answer to be: one that is kept, one that somebody waits for already, or a new one.

        Args:
            query: as for ``search``.
            options: the same.
            start: is given the work if there is any; what it raises, everybody who waits is told.

        Raises:
            NoIndexError: nothing is published yet.
            IndexDamagedError: the index cannot be read.
        """
        searcher = self._follow()
        key = (searcher.version, query, options)
        with self._lock:
            future, is_new = self._future(key)
        if is_new:
            try:
                start(lambda: self._compute(key, future, searcher))
            except BaseException as error:
                self._fail(key, future, error)
        return future

    def passage(self, chunk_id: str, context: int = 0) -> Passage | None:
        """A passage by its name (see ``Searcher.passage``)."""
        searcher = self._follow()
        try:
            return searcher.passage(chunk_id, context)
        except IndexDamagedError:
            return self._again(searcher).passage(chunk_id, context)

    def status(self) -> dict[str, Any]:
        """Counts, model and roots, as ``beast status --json`` has them."""
        return index_status(self.settings)

    @property
    def encoder(self) -> QueryEncoder:
        """What gives questions their vectors."""
        return self._encoder

    @property
    def version(self) -> str:
        """The version that a question would be asked of now."""
        return self._follow().version

    # -- versions --------------------------------------------------------------------------------

    def _follow(self) -> Searcher:
        # One at a time: who looked earlier must not put an older version in the place of a newer.
        with self._lock:
            published = self._published.now()
            if published is None:
                raise NoIndexError("nothing is indexed here yet: run `beast index DIR` first")
            now = (published, self._published.ledger)  # in a new ledger the same words may differ
            if self._searcher is None or self._opened != now:
                self._open(*now)
            assert self._searcher is not None  # noqa: S101 for mypy
            return self._searcher

    def _again(self, searcher: Searcher) -> Searcher:
        """Open the index again when a version turned out to be gone.

        A version is dropped while it is read only if another has long been published, if something
        was to be forgotten at once, or if it was lost and is written anew.
        """
        with self._lock:
            if self._searcher is searcher:
                self._searcher = None
        return self._follow()

    def _open(self, published: Publication, ledger: Ledger) -> None:
        self._opened = (published, ledger)
        self._searcher = Searcher(self.settings, encoder=self._encoder, ledger=ledger)
        self._kept.clear()
        self.counters.reopened += 1

    # -- answers ---------------------------------------------------------------------------------

    def _future(self, key: _Key) -> tuple[Future[Answer], bool]:
        """What answers, and whether it is yet to be computed; the lock is held."""
        if (running := self._running.get(key)) is not None:
            self.counters.joined += 1
            return running, False
        future = Future[Answer]()
        future.set_running_or_notify_cancel()  # nobody cancels what others wait for
        if (kept := self._kept.get(key)) is not None:
            self.counters.cached += 1
            future.set_result(kept)
            return future, False
        self.counters.computed += 1
        self._running[key] = future
        return future, True

    def _compute(self, key: _Key, future: Future[Answer], searcher: Searcher) -> None:
        try:
            answer = self._find(searcher, *key[1:])
        except BaseException as error:
            self._fail(key, future, error)
            return
        with self._lock:
            del self._running[key]
            if self._searcher is searcher is answer.searcher:
                self._kept.put(key, answer)
        future.set_result(answer)

    def _find(self, searcher: Searcher, query: str, options: SearchOptions) -> Answer:
        try:
            return Answer(searcher, searcher.find(query, options))
        except IndexDamagedError:
            again = self._again(searcher)
            return Answer(again, again.find(query, options))

    def _fail(self, key: _Key, future: Future[Answer], error: BaseException) -> None:
        with self._lock:
            del self._running[key]
        future.set_exception(error)
