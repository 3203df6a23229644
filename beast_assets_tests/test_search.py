"""Questions: filters before ranking, copies, neighbours, and a handle that follows."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest

import beast_assets
from beast_assets.core.errors import UsageError
from beast_assets.core.search import IndexHandle, Searcher, SearchOptions
from beast_assets.core.settings import Settings
from beast_assets_tests.conftest import document
from beast_assets_tests.homes import add_root, index


@pytest.fixture
def indexed(settings: Settings, docs: Path) -> Settings:
    (docs / "code.py").write_text("def topic99():\n    return 1\n")
    os.utime(docs / "note-03.md", ns=(10**18, 10**18))
    add_root(settings, docs)
    index(settings)
    return settings


def names(settings: Settings, query: str, **options: Any) -> set[str]:
    return {Path(hit.path).name for hit in Searcher(settings).search(query, 1_000, **options)}


def test_filters_choose_before_anything_is_ranked(indexed: Settings, docs: Path) -> None:
    everything = "sentence topic note"
    assert names(indexed, everything, extensions=[".PY"]) == {"code.py"}
    assert names(indexed, everything, paths=["note-0*.md", "!note-03.md"]) == {
        f"note-{number:02}.md" for number in range(10) if number != 3
    }
    assert names(indexed, everything, paths=[str(docs / "sub")]) == {
        path.name for path in (docs / "sub").iterdir()
    }
    assert names(indexed, everything, before="2001-09-10") == {"note-03.md"}
    assert "note-03.md" not in names(indexed, everything, after="1d")
    content = Searcher(indexed).search("topic17x2y5", 1)[0].content_sha256
    assert len(names(indexed, everything, content=[content])) == 1
    assert len(names(indexed, everything, roots=[str(docs)])) == 41
    with pytest.raises(UsageError, match="not indexed"):
        names(indexed, everything, roots=["/elsewhere"])


def test_hostile_filters_are_plain_text(indexed: Settings) -> None:
    with pytest.raises(UsageError, match="pattern"):
        names(indexed, "topic", paths=["\\"])
    for text in ("' OR 1=1 --", "[", "\udcff", "a\nb"):
        assert names(indexed, "topic", paths=[text]) == set()
        assert names(indexed, "topic", extensions=[text]) == set()


def test_copies_are_told_and_not_listed(indexed: Settings, docs: Path) -> None:
    (docs / "copy.md").write_text((docs / "sub" / "note-17.md").read_text())
    index(indexed)
    best = Searcher(indexed).search("topic17x2y5", 5)[0]
    assert best.copies == 1
    with_copies = Searcher(indexed).search("topic17x2y5", 5, copies=True)
    assert [hit.text for hit in with_copies].count(best.text) == 2


def test_hits_of_one_file_are_limited_and_others_take_their_place(
    settings: Settings, docs: Path
) -> None:
    (docs / "long.md").write_text(document(50, paragraphs=200))
    add_root(settings, docs)
    index(settings)
    hits = Searcher(settings).search("sentence of part in note 50", 20, per_file=1)
    assert len({hit.path for hit in hits}) == len(hits) == 20


def test_neighbours_are_joined_as_they_stand_in_the_file(indexed: Settings, docs: Path) -> None:
    hit = Searcher(indexed).search("topic17x1y5", 1, context=20)[0]
    text = Path(hit.path).read_text()
    assert hit.text.split() == text.split()
    assert hit.text == text[hit.char_start : hit.char_end]
    assert (hit.line_start, hit.line_end) == (1, len(text.splitlines()))


@pytest.mark.parametrize("mode", ["vector", "text"])
def test_modes_ask_one_ranking(indexed: Settings, mode: str) -> None:
    hit = Searcher(indexed).search("topic17x2y5", 1, mode=mode)[0]
    assert set(hit.scores) == {mode, f"{mode}_rank"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"k": 0},
        {"mode": "magic"},
        {"context": 99},
        {"after": "soon"},
        {"content": ["x"]},
        {"per_file": -1},
    ],
)
def test_wrong_options_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        SearchOptions(**wrong)


def test_handle_sees_each_new_version_and_keeps_answers(indexed: Settings, docs: Path) -> None:
    with beast_assets.open(indexed.home) as handle:
        first = handle.search("quokka", 3)
        assert handle.search("quokka", 3) == first
        assert (handle.counters.computed, handle.counters.cached) == (1, 1)
        (docs / "new.md").write_text("The quokka is a small wallaby.")
        index(indexed)
        after = handle.search("quokka", 3)
        assert Path(after[0].path).name == "new.md"
        assert after.version != first.version
        (docs / "new.md").write_text("Gone.")
        assert handle.search("quokka", 3)[0].stale


def test_handle_takes_lists_as_options(indexed: Settings) -> None:
    with beast_assets.open(indexed.home) as handle:
        assert {hit.path[-3:] for hit in handle.search("topic99", extensions=["py"])} == {".py"}


def test_equal_questions_in_flight_are_one(indexed: Settings) -> None:
    handle = IndexHandle(indexed)
    gate = threading.Barrier(50)
    answers: list[list[dict[str, Any]]] = []

    def ask() -> None:
        gate.wait()
        answers.append(handle.search("topic17x2y5").to_dicts())

    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counters = handle.counters
    assert (counters.computed, counters.cached + counters.joined) == (1, 49)
    assert all(answer == answers[0] for answer in answers)


def test_passages_are_had_by_name_only(indexed: Settings) -> None:
    with beast_assets.open(indexed.home) as handle:
        hit = handle.search("topic17x2y5", 1)[0]
        passage = handle.passage(hit.chunk_id)
        assert passage is not None
        assert (passage.text, passage.path) == (hit.text, hit.path)
        assert handle.passage(hit.path) is None
        assert handle.passage("0" * 32) is None


def test_hits_as_a_table(indexed: Settings) -> None:
    table = Searcher(indexed).search("topic17x2y5", 3).to_pandas()
    assert len(table) == 3
    assert {"path", "text", "score", "score_text_rank"} <= set(table.columns)
    empty = Searcher(indexed).search("topic", paths=["nowhere"]).to_pandas()
    assert "path" in empty.columns
