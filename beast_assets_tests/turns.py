"""Whether something that is awaited lets others have their turn."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from beast_assets.core.search import Searcher


@contextmanager
def slow_searches() -> Iterator[None]:
    """Each search takes a third of a second longer."""
    find = Searcher.find

    def slow(*words: Any) -> Any:
        time.sleep(0.3)
        return find(*words)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Searcher, "find", slow)
        yield


async def turns_while(waiting: Coroutine[Any, Any, Any]) -> int:
    """How often another task has its turn until this one is done; it has to give something."""
    task, turns = asyncio.ensure_future(waiting), 0
    while not task.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert task.result()
    return turns
