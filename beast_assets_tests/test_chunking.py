"""Chunks: nothing lost, nothing torn, nothing over the budget, and never slow."""

import os
import re
import tarfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_assets.core.chunking import (
    PART_SEPARATOR,
    VERSIONS,
    chunk_parts,
    chunk_text,
    chunker_recipe,
)
from beast_assets.core.embedding import default_fits
from beast_assets.core.errors import UsageError
from beast_assets.core.records import Chunk, Part
from beast_assets.core.settings import load_settings

Fits = Callable[[str], int]

CORPORA = Path(
    os.environ.get("BEAST_CORPORA", Path(__file__).parent.parent.parent / "shared" / "corpora")
)

CHUNKERS = pytest.mark.parametrize("chunker", VERSIONS)

PIECES = st.sampled_from(
    [
        "\n",
        "\r\n",
        "\r",
        "\n\n",
        " ",
        "\t",
        ". ",
        "。",
        "word",
        "длинный",
        "日本語",
        "한국",
        "👩‍👩‍👧",
        "🇩🇪",
    ]
    + [
        "e\u0301",
        "\u0301",
        "\u200d",
        "\ufe0f",
        "\x0b",
        "\u2028",
        "\x85",
        "\x1c",
        "x" * 40,
        "…”",
        "!",
    ]
)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    st.lists(PIECES, max_size=60).map("".join),
)


def by_words(budget: int) -> Fits:
    def fits(text: str) -> int:
        words = list(re.finditer(r"\S+", text))
        return len(text) if len(words) <= budget else words[budget].start()

    return fits


def by_words_where_half_a_word_costs_more(text: str) -> int:
    """Long words are one token and their halves many, as with a real tokenizer's unknown words."""
    spent = 0
    for word in re.finditer(r"\S+", text):
        spent += 1 if len(word[0]) >= 30 else len(word[0])
        if spent > 12:
            return word.start()
    return len(text)


FITS = st.sampled_from(
    [len, by_words(1), by_words(3), lambda text: min(len(text), 7)]
    + [by_words_where_half_a_word_costs_more, lambda text: 0, lambda text: 1]
    + [lambda text: len(text) - 1]
)


def line_of(text: str, position: int) -> int:
    """Count lines the slow way."""
    return (
        1
        + len(re.findall(r"\r\n|\n|\r", text[:position]))
        - (text[position - 1 : position + 1] == "\r\n")
    )


def check(text: str, chunks: list[Chunk], *, max_chars: int, overlap: int, fits: Fits) -> None:
    covered = bytearray(len(text))
    for chunk in chunks:
        assert text[chunk.char_start : chunk.char_end] == chunk.text
        assert 0 < len(chunk.text) <= max_chars
        assert chunk.text == chunk.text.strip()
        assert fits(chunk.text) >= len(chunk.text) or len(chunk.text) == 1
        assert chunk.line_start == line_of(text, chunk.char_start)
        assert chunk.line_end == line_of(text, chunk.char_end - 1)
        covered[chunk.char_start : chunk.char_end] = b"\1" * len(chunk.text)
    assert all(covered[i] for i, character in enumerate(text) if not character.isspace())
    for left, right in zip(chunks, chunks[1:], strict=False):
        assert left.char_start < right.char_start
        assert left.char_end < right.char_end
        assert right.char_start >= left.char_end - overlap


@CHUNKERS
@given(
    TEXTS, st.integers(1, 60), st.integers(0, 59), FITS, st.sampled_from([None, "a.md", b"b.py"])
)
def test_every_promise_on_any_text(
    chunker: str, text: str, max_chars: int, overlap: int, fits: Fits, path: str | bytes | None
) -> None:
    overlap = min(overlap, max_chars - 1)
    chunks = chunk_text(
        text, path=path, max_chars=max_chars, overlap=overlap, fits=fits, chunker=chunker
    )
    check(text, chunks, max_chars=max_chars, overlap=overlap, fits=fits)


@pytest.mark.parametrize(
    "text",
    [
        "Some prose with a full stop. And more of it!\n\n" * 60,
        "日本語の文章です。" * 300,
        "👩‍👩‍👧🇩🇪" * 400,
        "supercalifragilisticexpialidocious" * 200,
        ("a" * 99 + " ") * 40 + ("b" * 101 + " ") * 40,
        "def f(x):\r\n    return {x: [x[0]]}\r\n" * 100,
        "[SEP] [CLS] [MASK] " * 200,
        "\ufffd\u0300ﬁ½①\u3000" * 300,
    ],
    ids=lambda text: text[:10],
)
@pytest.mark.parametrize("overlap", [0, 150])
@CHUNKERS
def test_every_promise_with_the_real_tokenizer(text: str, overlap: int, chunker: str) -> None:
    chunks = chunk_text(text, overlap=overlap, chunker=chunker)
    check(text, chunks, max_chars=1200, overlap=overlap, fits=default_fits())


def test_the_token_budget_ends_chunks_before_the_characters_do() -> None:
    text = "Some prose with a full stop. And more of it!\n\n" * 600
    for chunker in VERSIONS:
        within = chunk_text(text, chunker=chunker)
        assert len(within) > len(chunk_text(text, fits=len, chunker=chunker))


def peps() -> dict[str, str]:
    archive = CORPORA / "peps.tar.gz"
    if not archive.is_file():
        pytest.skip(f"no {archive}: set BEAST_CORPORA to the folder of the corpora")
    with tarfile.open(archive) as tar:
        files = [member for member in tar.getmembers() if member.isfile()][::90]
        return {m.name: file.read().decode() for m in files if (file := tar.extractfile(m))}


@CHUNKERS
def test_real_documents_are_covered_within_the_budget(chunker: str) -> None:
    documents = peps()
    assert len(documents) >= 5
    for text in documents.values():
        chunks = chunk_text(text, chunker=chunker)
        check(text, chunks, max_chars=1200, overlap=0, fits=default_fits())
        assert sum(len(chunk.text) for chunk in chunks) / len(chunks) > 400


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("aaaa aaaa.\n\nbbbb. bb\nbb bb", "aaaa aaaa."),
        ("aaaa aaaa aa\nbbbb. bb bb bb", "aaaa aaaa aa"),
        ("aaaa aaaa. Bbbb bbb bbb bbb", "aaaa aaaa."),
        ("aaaa aaaa bbbb bbbb bbbb bb", "aaaa aaaa bbbb bbbb"),
        ("日本語日本語日本語。日本語日本語日本語日本語", "日本語日本語日本語。"),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "a" * 20),
        ("aaaaaaaaaaaaaaaaaaa\r\nbbbbbbbbb", "a" * 19),
        ("aaaaaaaaaaaaaaaaaaaa\r\n\r\nbbbbb", "a" * 20),
        ("a. " + "b" * 40, "a. " + "b" * 17),
    ],
    ids=[
        "blank line",
        "line",
        "sentence",
        "space",
        "。",
        "anywhere",
        "CRLF",
        "at the limit",
        "early",
    ],
)
def test_a_chunk_ends_at_the_best_break_in_its_second_half(text: str, first: str) -> None:
    assert chunk_text(text, max_chars=20, fits=len, chunker="window")[0].text == first


@pytest.mark.parametrize(
    "cluster", ["e\u0301", "👩‍👩‍👧", "🇩🇪", "👍🏽", "❤\ufe0f", "\u1100\u1161\u11a8", "ก\u0e34"]
)
@CHUNKERS
def test_what_is_drawn_as_one_is_not_cut(cluster: str, chunker: str) -> None:
    for max_chars in range(len(cluster), 3 * len(cluster)):
        chunks = chunk_text(cluster * 20, max_chars=max_chars, fits=len, chunker=chunker)
        assert {len(chunk.text) % len(cluster) for chunk in chunks} == {0}


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("aaa aaa aaa\nbb bb bb\nccc ccc ccc ccc", "bb bb bb\nccc ccc ccc"),
        ("aaaa aaaa aaaa aaaa bbbb cccc cccc", "aaaa aaaa bbbb cccc"),
        ("a" * 30, "a" * 20),
    ],
    ids=["line", "word", "anywhere"],
)
def test_overlap_starts_at_a_natural_place(text: str, second: str) -> None:
    chunks = chunk_text(text, max_chars=20, overlap=10, fits=len, chunker="window")
    assert chunks[1].text == second


def test_lines_are_those_of_editors() -> None:
    text = "one\r\ntwo\rthree\n\u2028\x0bfour\n\nsix"
    chunk = chunk_text(text, fits=len)[0]
    assert (chunk.line_start, chunk.line_end) == (1, 6)
    assert chunk_text("\r\n\r\n  x", fits=len) == [Chunk("x", 6, 7, 3, 3)]


@pytest.mark.parametrize("text", ["", " ", "\n" * 1000, "\u3000\x85\r\n"])
def test_blank_text_has_no_chunks(text: str) -> None:
    assert chunk_text(text, fits=len) == []


@pytest.mark.parametrize(("max_chars", "overlap"), [(0, 0), (10, 10), (10, -1)])
def test_impossible_sizes_are_refused(max_chars: int, overlap: int) -> None:
    with pytest.raises(UsageError, match="cannot be cut"):
        chunk_text("text", max_chars=max_chars, overlap=overlap, fits=len)


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "word ",
        "👩‍👩‍👧",
        "🇩🇪",
        "\u0301",
        " ",
        "\n",
        "\r\n",
        "a\n",
        "x" + " " * 700,
        ". ",
        ".)",
        "日本。",
        "# a\n",
        "a\n===\n",
        "====\n",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("overlap", [0, 600])
@CHUNKERS
def test_no_text_is_slow(unit: str, overlap: int, chunker: str) -> None:
    text = unit * (400_000 // len(unit))
    begin = time.process_time()
    chunk_text(text, path="a.md", overlap=overlap, fits=len, chunker=chunker)
    # 2 MB/s and more on an idle machine; one quadratic step would take minutes.
    assert time.process_time() - begin < 2


def test_an_unknown_chunker_is_refused() -> None:
    with pytest.raises(UsageError, match="content, window"):
        chunk_text("text", fits=len, chunker="fixed")


def test_the_recipe_names_the_chunker_its_version_and_sizes() -> None:
    settings = load_settings({"chunker": "window", "chunk_chars": 800, "chunk_overlap": 100}, {})
    assert chunker_recipe(settings) == "window/1 chars=800 overlap=100"
    assert chunker_recipe(load_settings({}, {})) == "content/1 chars=1200 overlap=0"


def test_parts_are_cut_by_themselves_and_placed_in_the_whole() -> None:
    parts = [Part("# One\n\nfirst page\n", "page 1"), Part("second\npage " * 200, "page 2")]
    whole = PART_SEPARATOR.join(part.text for part in parts)
    chunks = chunk_parts(parts, path=b"a.pdf", max_chars=300, overlap=0, fits=len)
    for chunk in chunks:
        assert whole[chunk.char_start : chunk.char_end] == chunk.text
    first, *second = chunks
    assert (first.place, first.text) == ("page 1", "# One\n\nfirst page")
    assert [replace(chunk, char_start=0, char_end=0, place="") for chunk in second] == [
        replace(chunk, char_start=0, char_end=0)
        for chunk in chunk_text(parts[1].text, path=b"a.pdf", max_chars=300, fits=len)
    ]
