"""The threads that answer: the event loop itself never waits for a disk or a model."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from beast_assets.core.errors import BeastError

T = TypeVar("T")

_QUICK = 2


class BusyError(BeastError):
    """More is asked than can wait."""


class Lanes:
    """A lane for short looks, one for work of which only so much may wait, one for the watch.

    Answers that are kept, health and metrics therefore do not queue behind searches.
    """

    def __init__(self, threads: int, waiting: int) -> None:
        """Start no thread yet.

        Args:
            threads: so many searches at once.
            waiting: so many more may wait.
        """
        self._quick = ThreadPoolExecutor(_QUICK, "beast-quick")
        self._work = ThreadPoolExecutor(threads, "beast-work")
        self._watch = ThreadPoolExecutor(_QUICK, "beast-watch")
        self._room = threading.Semaphore(threads + waiting)

    async def quick(self, work: Callable[[], T]) -> T:
        """Do what takes well under a millisecond."""
        return await asyncio.get_running_loop().run_in_executor(self._quick, work)

    async def watch(self, work: Callable[[], T]) -> T:
        """Do what those ask who look after the server."""
        return await asyncio.get_running_loop().run_in_executor(self._watch, work)

    async def work(self, work: Callable[[], T]) -> T:
        """Do what may take long.

        Raises:
            BusyError: too many wait already.
        """
        return await asyncio.wrap_future(self.start(work))

    def start(self, work: Callable[[], T]) -> Future[T]:
        """As ``work``, without waiting."""
        if not self._room.acquire(blocking=False):
            raise BusyError("too many questions wait already: ask again in a second")
        try:
            future = self._work.submit(work)
        except BaseException:
            self._room.release()
            raise
        future.add_done_callback(lambda _: self._room.release())
        return future

    def close(self) -> None:
        """Let what runs end, and start nothing more."""
        for lane in (self._quick, self._work, self._watch):
            lane.shutdown(wait=False, cancel_futures=True)
