"""An open index: what it keeps, what it follows, and what those are told who wait."""

import threading
from concurrent.futures import Future
from pathlib import Path

import pytest

from beast_assets.core.database import engine_for, put_aside
from beast_assets.core.errors import NoIndexError
from beast_assets.core.search import Answer, IndexHandle, SearchOptions
from beast_assets.core.search.kept import Kept
from beast_assets.core.settings import Settings
from beast_assets_tests.homes import add_root, index


class Text(str):
    @property
    def characters(self) -> int:
        return len(self)


@pytest.fixture
def indexed(settings: Settings, docs: Path) -> Settings:
    add_root(settings, docs)
    index(settings)
    return settings


def test_what_is_kept_is_bounded_in_number_and_text() -> None:
    kept = Kept[Text](most=3, most_characters=10)
    for key in "abc":
        kept.put(key, Text("xx"))
    assert kept.get("a") == "xx"  # and so b is the one not asked for longest
    kept.put("d", Text("xx"))
    assert [kept.get(key) for key in "abcd"] == ["xx", None, "xx", "xx"]
    kept.put("e", Text("xxxxxxxx"))
    assert [kept.get(key) for key in "acde"] == [None, None, "xx", "xxxxxxxx"]
    kept.put("f", Text("x" * 11))
    assert len(kept) == 0
    kept.put("g", Text("x" * 10))
    assert kept.get("g") is not None


def test_a_ledger_in_the_place_of_another_is_followed(indexed: Settings, docs: Path) -> None:
    with IndexHandle(indexed) as handle:
        first = handle.search("topic17x2y5", 1)
        put_aside(engine_for(indexed.ledger_url))
        with pytest.raises(NoIndexError):
            handle.search("topic17x2y5", 1)
        (docs / "new.md").write_text("The quokka is a small wallaby.")
        add_root(indexed, docs)
        index(indexed)
        assert "quokka" in handle.search("quokka", 1)[0].text
        assert handle.search("topic17x2y5", 1)[0].text == first[0].text


def test_a_closed_handle_opens_again(indexed: Settings) -> None:
    handle = IndexHandle(indexed)
    first = handle.search("topic17x2y5", 1)
    handle.close()
    assert handle.search("topic17x2y5", 1) == first
    assert (handle.counters.computed, handle.counters.reopened) == (2, 2)


def test_whoever_waits_is_told_what_went_wrong(indexed: Settings) -> None:
    handle, joined = IndexHandle(indexed), list[Future[Answer]]()

    def full(_: object) -> None:
        asker = threading.Thread(
            target=lambda: joined.append(handle.begin("topic17", SearchOptions()))
        )
        asker.start()
        asker.join()
        raise BlockingIOError("no room")

    futures = [handle.begin("topic17", SearchOptions(), full), *joined]
    assert len(futures) == 2
    for future in futures:
        with pytest.raises(BlockingIOError, match="no room"):
            future.result(1)
    assert handle.search("topic17")
    assert (handle.counters.computed, handle.counters.joined) == (2, 1)


def test_nobody_cancels_what_others_wait_for(indexed: Settings) -> None:
    works: list[object] = []
    handle = IndexHandle(indexed)
    future = handle.begin("topic17", SearchOptions(), works.append)
    assert not future.cancel()
    assert not future.done()
    assert handle.begin("topic17", SearchOptions()) is future
    works[0]()  # type: ignore[operator]
    assert future.result().hits()
