"""The content chunker: where it cuts, and that an edit changes only what is near it."""

import gzip
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_assets.core import content
from beast_assets.core.chunking import chunk_text
from beast_assets.core.content import REACH, content_spans
from beast_assets.core.headings import find_headings
from beast_assets_tests.corpora import corpus

MAX_CHARS = 40
RADIUS = 2 * MAX_CHARS

WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=9), min_size=1, max_size=8).map(" ".join)
BLOCKS = st.one_of(WORDS, WORDS.map("# {}".format), WORDS.map("    {}".format))
DOCUMENTS = st.lists(BLOCKS, min_size=1, max_size=60).map("\n\n".join)


def short_budget(text: str) -> int:
    return min(len(text), 30) if "a" in text[:30] else len(text)


def certain_cuts(text: str) -> set[int]:
    """Breaks with none as good within ``RADIUS``, found by comparing each with each."""
    splitter = content._Splitter(text, find_headings(text, "a.md"), MAX_CHARS, len)
    starts, keys = splitter._breaks(0, len(text), 0)
    pairs = list(zip(starts, keys, strict=True))
    return {
        place
        for place, key in pairs
        if all(key < other for at, other in pairs if 0 < abs(at - place) <= RADIUS)
        and RADIUS <= place <= len(text) - RADIUS
    }


def spans(text: str) -> list[tuple[int, int]]:
    headings = find_headings(text, "a.md")
    return list(content_spans(text, headings, MAX_CHARS, 0, short_budget))


@given(DOCUMENTS)
def test_the_best_break_far_and_wide_is_always_taken(text: str) -> None:
    assert certain_cuts(text) <= {start for start, _ in spans(text)}


@given(DOCUMENTS, WORDS, st.data())
def test_nothing_changes_beyond_the_next_certain_cut(
    text: str, news: str, data: st.DataObject
) -> None:
    """The bound: an edit is felt up to the first certain cut that it does not touch."""
    first = data.draw(st.integers(0, len(text)))
    last = data.draw(st.integers(first, min(len(text), first + 30)))
    edited = text[:first] + news + text[last:]
    shift = len(edited) - len(text)
    before, after = spans(text), spans(edited)
    cuts, edited_cuts = certain_cuts(text), certain_cuts(edited)
    left = max((c for c in cuts & edited_cuts if c <= first - RADIUS - REACH), default=0)
    right = min(
        (c for c in cuts if c >= last + RADIUS + REACH and c + shift in edited_cuts),
        default=len(text),
    )
    assert [s for s in before if s[1] <= left] == [s for s in after if s[1] <= left]
    moved = [(start + shift, end + shift) for start, end in before if start >= right]
    assert moved == [s for s in after if s[0] >= right + shift]


def prose(seed: int, paragraphs: int = 200) -> str:
    chance = random.Random(seed)
    words = ["".join(chance.choices("abcdefghijklmno", k=chance.randint(1, 9))) for _ in range(400)]
    return "\n\n".join(
        " ".join(chance.choices(words, k=chance.randint(10, 90))) for _ in range(paragraphs)
    )


@pytest.mark.parametrize("separator", ["\n\n", "\n", ". ", " ", ""], ids=ascii)
def test_an_edit_in_the_middle_changes_a_handful_of_chunks(separator: str) -> None:
    text = prose(1).replace("\n\n", separator)
    if not separator:
        text = text.replace(" ", "")
    half = len(text) // 2
    for news in ("", "some other words"):
        edited = text[:half] + news + text[half + 40 :]
        old = {chunk.text for chunk in chunk_text(text, fits=len)}
        new = [chunk.text for chunk in chunk_text(edited, fits=len)]
        assert len(new) > 50
        assert sum(chunk not in old for chunk in new) <= 8


@pytest.mark.parametrize("separator", ["\n\n", "\n", " "], ids=ascii)
def test_the_tail_stays_after_an_insertion_at_the_front(separator: str) -> None:
    text = prose(2).replace("\n\n", separator)
    old = [chunk.text for chunk in chunk_text(text, fits=len)]
    new = [chunk.text for chunk in chunk_text("Some news." + separator + text, fits=len)]
    assert new[-len(old) + 8 :] == old[8:]


def test_long_texts_are_cut_a_stretch_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    text = prose(3)
    whole = list(content_spans(text, set(), 1200, 0, len))
    monkeypatch.setattr(content, "_STRETCH", 16_000)
    stretches = list(content_spans(text, set(), 1200, 0, len))
    assert without_blanks(text, stretches) == without_blanks(text, whole)
    assert len(set(stretches) - set(whole)) <= 4 * (len(text) // 16_000)


def without_blanks(text: str, spans: list[tuple[int, int]]) -> str:
    return "".join("".join(text[start:end] for start, end in spans).split())


def test_the_same_text_is_cut_the_same() -> None:
    assert chunk_text(prose(4), fits=len) == chunk_text(prose(4), fits=len)


@pytest.mark.parametrize(
    ("text", "path", "second"),
    [
        ("aaa\n\n" * 8 + "Title\n=====\n\n" + "bbb\n\n" * 8, "a.rst", "Title"),
        ("aaa\n\n" * 8 + "# Title\n" + "bbb\n\n" * 8, "a.md", "# Title"),
        ("aaa\n\n" * 8 + "bbb bb bb\nbbb bb bb\n" * 3, None, "bbb bb bb\n"),
        ("    a = 1\n\n" * 5 + "def f():\n" + "\n    a = 1\n" * 5, "a.txt", "def f"),
    ],
    ids=["underlined", "hashed", "paragraph before line", "least indented"],
)
def test_the_best_kind_of_break_wins(text: str, path: str | None, second: str) -> None:
    starts = [chunk.text for chunk in chunk_text(text, path=path, max_chars=70, fits=len)]
    assert any(start.startswith(second) for start in starts[1:])


def test_real_edits_cost_at_most_what_the_project_promises() -> None:
    changed = size = 0
    with gzip.open(corpus("peps_edits.jsonl.gz"), "rt", encoding="utf-8") as lines:
        for edit in list(map(json.loads, lines))[::10]:
            old = {c.text for c in chunk_text(edit["old"], path=edit["path"], fits=len)}
            new = [c.text for c in chunk_text(edit["new"], path=edit["path"], fits=len)]
            changed += sum(len(text) for text in new if text not in old)
            size += len(edit["new"])
    assert changed / size < 0.2  # windows: 0.3 and more
