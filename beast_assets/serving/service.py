"""What the server knows of its home: one handle on the index, and the lanes that ask it."""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from beast_assets.core.errors import BeastError
from beast_assets.core.ledger import Ledger
from beast_assets.core.masks import masked
from beast_assets.core.search import Answer, Counters, IndexHandle, SearchOptions
from beast_assets.core.search.hits import Passage
from beast_assets.core.settings import Settings
from beast_assets.core.status import index_status, resolved_settings
from beast_assets.serving.lanes import Lanes

_log = logging.getLogger(__name__)
Report = dict[str, Any]


def as_json(data: Any) -> bytes:
    """JSON in UTF-8."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


class Service:
    """Answers to everything that can be asked of a home; one for all requests."""

    def __init__(
        self,
        settings: Settings,
        lanes: Lanes,
        health: Callable[[IndexHandle | None], Report] | None,
    ) -> None:
        """Open nothing yet.

        Args:
            settings: of the home.
            lanes: the threads to ask in.
            health: gives a report with a ``status``; by default whether there is an index.
        """
        self._settings = settings
        self._lanes = lanes
        self._health = health or self._has_index
        self._checking: asyncio.Future[Report] | None = None
        self._lock = threading.Lock()
        self._opened: IndexHandle | None = None

    def warm_up(self) -> None:
        """Open index and model in the background."""
        self._lanes.start(self._warm_up)

    def close(self) -> None:
        """Let what is being computed end, then let go of the index."""
        self._lanes.close()
        if self._opened is not None:
            self._opened.close()

    async def search(self, query: str, options: SearchOptions) -> bytes:
        """The answer as JSON; one that is kept does not wait for those that are computed.

        Raises:
            UsageError: an option is not allowed.
            BusyError: too many questions wait already.
            BeastError: there is no index, or it cannot be read.
        """
        since = time.perf_counter()

        def begin() -> Future[Answer] | bytes:
            future = self._handle().begin(query, options, self._lanes.start)
            return _answer(query, since, future.result()) if future.done() else future

        begun = await self._lanes.quick(begin)
        if isinstance(begun, bytes):
            return begun
        answer = await asyncio.wrap_future(begun)
        return await self._lanes.quick(lambda: _answer(query, since, answer))

    async def passage(self, chunk_id: str, context: int) -> Passage | None:
        """A passage by its name; None if there is none."""
        return await self._lanes.work(lambda: self._handle().passage(chunk_id, context))

    async def status(self) -> Report:
        """What the index holds."""
        return await self._lanes.work(lambda: index_status(self._settings))

    def config(self) -> Report:
        """The settings, without secrets."""
        return masked(resolved_settings(self._settings))

    async def health(self) -> Report:
        """Whether all is well; who asks while that is being looked at gets the same report."""
        if self._checking is None or self._checking.done():
            self._checking = asyncio.ensure_future(self._lanes.watch(self._check))
        return await asyncio.shield(self._checking)

    def counters(self) -> Counters | None:
        """What became of the questions so far."""
        return None if self._opened is None else self._opened.counters

    def published(self) -> tuple[str, int] | None:
        """Version and rows of what is published; None where nothing is, or it cannot be read."""
        try:
            version = self._handle().version
            return version, Ledger.open_existing(self._settings.ledger_url).totals()["chunks"]
        except BeastError:
            return None

    def _handle(self) -> IndexHandle:
        with self._lock:
            if self._opened is None:
                self._opened = IndexHandle(self._settings)
            return self._opened

    def _warm_up(self) -> None:
        try:
            self._handle().warm_up()
        except BeastError as error:  # whoever asks is told
            _log.debug("not warmed up: %s", error)

    def _check(self) -> Report:
        try:
            return self._health(self._opened)
        except Exception as error:
            return {"status": "unhealthy", "error": str(error)}

    def _has_index(self, _: IndexHandle | None) -> Report:
        return {"status": "healthy", "version": self._handle().version}


def _answer(query: str, since: float, answer: Answer) -> bytes:
    hits = answer.hits()
    took_ms = round((time.perf_counter() - since) * 1e3, 3)
    told = {"query": query, "version": hits.version, "took_ms": took_ms}
    return as_json(told | {"hits": hits.to_dicts()})
