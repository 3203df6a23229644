"""One ranking of two: by what it does, not by its constants."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_assets.core.index import ChunkIndex
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Published
from beast_assets.core.search import Hit, Ranking, Searcher, fuse
from beast_assets.core.search.ranking import CANDIDATES, add_phrases
from beast_assets.core.search.terms import keywords, phrases
from beast_assets.core.settings import Settings
from beast_assets_tests.homes import add_root, index


def order(ranking: Ranking) -> list[int]:
    return [row for row, _ in ranking]


def cosines(rows: list[int]) -> Ranking:
    return [(row, 0.7 - 0.005 * rank) for rank, row in enumerate(rows)]


def test_who_alone_has_all_words_is_first_though_others_are_nearer() -> None:
    vector = cosines([*range(1, 100), 0])
    assert order(fuse(vector, [(0, 30.0), (1, 9.0), (2, 8.9)]))[0] == 0
    assert order(fuse(vector[:50], [(0, 30.0), (1, 9.0), (2, 8.9)]))[0] == 0


def test_where_many_have_the_words_meaning_decides() -> None:
    text = [(row, 10.0 - row / 10) for row in range(8)]
    nearest_last = cosines([7, 6, 5, 4, 3, 2, 1, 0, *range(10, 90)])
    assert order(fuse(nearest_last, text))[0] == 7


def test_who_is_good_in_both_passes_who_is_first_in_one() -> None:
    vector = cosines([1, 3, *range(10, 90)])
    assert (
        order(fuse(vector, [(2, 10.0), (3, 9.5), *((row, 4.0) for row in range(90, 99))]))[0] == 3
    )


rankings = st.lists(
    st.tuples(st.integers(0, 40), st.floats(0.01, 1)), max_size=40, unique_by=lambda item: item[0]
).map(lambda items: sorted(items, key=lambda item: -item[1]))


@given(rankings, rankings)
def test_scores_fall_and_end_at_one(vector: Ranking, text: Ranking) -> None:
    fused = fuse(vector, text)
    scores = [score for _, score in fused]
    assert scores == sorted(scores, reverse=True)
    assert all(score <= 1 + 1e-9 for score in scores)
    assert {row for row, _ in fused} == {row for row, _ in [*vector, *text]}


def test_models_whose_cosines_are_all_high_are_fused_alike() -> None:
    vector = cosines(list(range(60)))
    high = [(row, 0.8 + 0.2 * cosine) for row, cosine in vector]
    text = [(row, 20.0 - row / 3) for row in range(50, 0, -3)][::-1]
    assert order(fuse(vector, text)) == order(fuse(high, text))


def test_looking_deeper_changes_no_score_of_the_first() -> None:
    vector, text = cosines(list(range(300))), [(row, 300.0 - row) for row in range(0, 300, 2)]
    shallow = fuse(vector[:CANDIDATES], text[: CANDIDATES // 2])
    deep = dict(fuse(vector, text))
    assert all(deep[row] == score for row, score in shallow)


def test_a_phrase_adds_to_the_words_and_the_more_the_fewer_have_it() -> None:
    words = [(1, 5.0), (2, 4.0)]
    assert add_phrases(words, []) == words
    assert add_phrases(words, [[(2, 3.0)]]) == [(2, 12.0), (1, 5.0)]
    assert add_phrases(words, [[(9, 3.0)]]) == [(9, 12.0), (1, 5.0), (2, 4.0)]
    common = [(row, 1.0) for row in range(2, 2 + CANDIDATES)]
    assert dict(add_phrases(words, [common])) == {1: 5.0} | dict.fromkeys(dict(common), 5.0)
    assert add_phrases(words, [common[:20]])[0][1] > 5.0


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("wait_for", ["wait for"]),
        ("wait", []),
        (
            "how does Encoder.wait_for work?",
            ["how does Encoder wait for work", "Encoder wait for", "wait for"],
        ),
        ("std::vector", ["std vector"]),
        ("a read-only file", ["a read only file"]),
        ("…", []),
        ("word " * 100, []),
    ],
)
def test_what_is_to_stand_as_it_is(query: str, expected: list[str]) -> None:
    assert phrases(query) == expected


def test_words_without_meaning_are_left_out_unless_there_is_no_other() -> None:
    assert keywords("What is the purpose of a lock?") == "purpose lock?"
    assert keywords("to be or not to be") == "to be or not to be"


@given(st.text(max_size=200))
def test_any_text_has_words_and_few_phrases(query: str) -> None:
    assert keywords(query).strip() or not query.strip()
    assert len(phrases(query)) <= 4


# -- by the index --------------------------------------------------------------------------------

FILLER = "Nothing of this paragraph has to do with what is looked for, it is only long. " * 5


@pytest.fixture
def indexed(settings: Settings, tmp_path: Path) -> Settings:
    """One long passage quotes; sixty short ones have most of the words, elsewhere in order."""
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "quoted.txt").write_text(
        f"{FILLER}\nThe cable was laid across the river before winter.\n"
        f"Then all will wait_for it, and the question is to be or not to be.\n{FILLER}"
    )
    for number in range(60):
        (folder / f"other-{number}.txt").write_text(
            f"Of a river in winter, {number}: winter, river, cable. For what did they wait?"
        )
    add_root(settings, folder)
    index(settings)
    return settings


def found(settings: Settings, query: str, mode: str = "hybrid") -> list[Hit]:
    return list(Searcher(settings).search(query, 100, mode=mode, copies=True))


def is_quoted(hit: Hit) -> bool:
    return Path(hit.path).name == "quoted.txt"


@pytest.mark.parametrize("query", ["cable was laid across the river before winter", "wait_for"])
def test_what_stands_as_it_was_asked_is_first(indexed: Settings, query: str) -> None:
    by_vector = [is_quoted(hit) for hit in found(indexed, query, "vector")]
    assert by_vector.index(True) >= 5
    best = found(indexed, query)[0]
    assert is_quoted(best)
    assert best.scores["text_rank"] == 1
    assert best.scores["vector_rank"] > 5


def test_a_name_is_found_in_a_question(indexed: Settings) -> None:
    assert is_quoted(found(indexed, "How does it wait_for something?", "text")[0])


def test_a_question_of_nothing_but_common_words(indexed: Settings) -> None:
    assert is_quoted(found(indexed, "to be or not to be", "text")[0])


def test_an_index_without_positions_is_searched_by_words(indexed: Settings) -> None:
    from lancedb.index import FTS

    published = Ledger.open_existing(indexed.ledger_url).published()
    assert published is not None
    table = ChunkIndex.open(indexed.index_uri, published.table).table
    table.create_index("text", config=FTS(), replace=True)
    searcher = Searcher(indexed, at=Published(published.table, int(table.version)))
    assert len(searcher.search("cable across the river", 5)) == 5
