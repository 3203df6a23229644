"""An open index that follows its versions, keeps answers, and joins equal questions in flight."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

from beast_assets.core.errors import IndexDamagedError, NoIndexError
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Published
from beast_assets.core.search.encoder import QueryEncoder
from beast_assets.core.search.hits import Hits, Passage
from beast_assets.core.search.options import SearchOptions
from beast_assets.core.search.searcher import Found, Searcher
from beast_assets.core.settings import Settings

T = TypeVar("T")

_KEPT = 1_024
_Key = tuple[str, str, SearchOptions]


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
        self._ledger = Ledger.open_existing(settings.ledger_url)
        self._inode = self._ledger_inode()
        self._encoder = QueryEncoder(settings)
        self._searcher: Searcher | None = None
        self._kept: OrderedDict[_Key, Found] = OrderedDict()
        self._running: dict[_Key, Future[Found]] = {}
        self._lock = threading.Lock()

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

        def ask(searcher: Searcher) -> Hits:
            return searcher.refresh(self._find(searcher, query, options))

        return self._retrying(ask)

    def passage(self, chunk_id: str, context: int = 0) -> Passage | None:
        """A passage by its name (see ``Searcher.passage``)."""
        return self._retrying(lambda searcher: searcher.passage(chunk_id, context))

    @property
    def encoder(self) -> QueryEncoder:
        """What gives questions their vectors."""
        return self._encoder

    @property
    def version(self) -> str:
        """The version that a question would be asked of now."""
        return self._follow().version

    # -- versions --------------------------------------------------------------------------------

    def _retrying(self, ask: Callable[[Searcher], T]) -> T:
        searcher = self._follow()
        try:
            return ask(searcher)
        except IndexDamagedError:
            # A version is dropped while it is read only if another has long been published, or
            # if something was to be forgotten at once.
            again = self._follow()
            if again is searcher:
                raise
            return ask(again)

    def _follow(self) -> Searcher:
        if self._inode != (inode := self._ledger_inode()):  # a damaged one was put aside
            self._ledger, self._inode = Ledger.open_existing(self.settings.ledger_url), inode
            self.close()  # the new one counts tables and versions from 1 again
        published = self._ledger.published()
        if published is None:
            raise NoIndexError("nothing is indexed here yet: run `beast index DIR` first")
        with self._lock:
            if self._searcher is None or self._searcher.published != published:
                self._open(published)
            assert self._searcher is not None  # noqa: S101 for mypy
            return self._searcher

    def _open(self, published: Published) -> None:
        self._searcher = Searcher(self.settings, encoder=self._encoder, ledger=self._ledger)
        self._kept.clear()
        self.counters.reopened += 1

    def _ledger_inode(self) -> int:
        path = self._ledger.file_path
        try:
            return path.stat().st_ino if path else 0
        except OSError:
            return 0

    # -- answers ---------------------------------------------------------------------------------

    def _find(self, searcher: Searcher, query: str, options: SearchOptions) -> Found:
        key = (searcher.version, query, options)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                self.counters.cached += 1
                return self._kept[key]
            running = self._running.get(key)
            if running is None:
                self.counters.computed += 1
                mine = self._running[key] = Future[Found]()
            else:
                self.counters.joined += 1
        if running is not None:
            return running.result()
        return self._compute(key, mine, searcher)

    def _compute(self, key: _Key, future: Future[Found], searcher: Searcher) -> Found:
        try:
            found = searcher.find(key[1], key[2])
        except BaseException as error:
            self._finish(key)
            future.set_exception(error)
            raise
        self._finish(key, found)
        future.set_result(found)
        return found

    def _finish(self, key: _Key, found: Found | None = None) -> None:
        with self._lock:
            del self._running[key]
            if found is not None and self._searcher is not None:
                if self._searcher.version == key[0]:
                    self._kept[key] = found
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
