"""Figures of rankings: against sums done by hand, and against what must hold of any ranking."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_assets.core.evaluation.metrics import ndcg, recall, reciprocal_rank
from beast_assets.core.evaluation.significance import paired_difference

GRADES = {"a": 3.0, "b": 2.0, "c": 0.0, "d": 1.0, "e": -1.0}


def test_ndcg_by_hand() -> None:
    # c a x b: gains 0 3 0 2; the best order is a b d: 3 2 1.
    found = 3 / math.log2(3) + 2 / math.log2(5)
    best = 3 + 2 / math.log2(3) + 1 / 2
    assert ndcg(["c", "a", "x", "b"], GRADES, 10) == pytest.approx(found / best)
    # Only the first two, in both orders.
    assert ndcg(["c", "a", "x", "b"], GRADES, 2) == pytest.approx(
        3 / math.log2(3) / (3 + 2 / math.log2(3))
    )
    # A grade below 0 counts as none, where trec_eval's own sum does, too.
    assert ndcg(["e", "a"], GRADES, 10) == pytest.approx(3 / math.log2(3) / best)
    # Binary: the one of two at rank 2.
    assert ndcg(["x", "a"], {"a": 1, "b": 1}, 10) == pytest.approx(
        1 / math.log2(3) / (1 + 1 / math.log2(3))
    )


def test_reciprocal_rank_and_recall_by_hand() -> None:
    ranking = ["c", "e", "x", "d", "a"]
    assert reciprocal_rank(ranking, GRADES, 10) == 1 / 4
    assert reciprocal_rank(ranking, GRADES, 3) == 0
    assert recall(ranking, GRADES, 4) == pytest.approx(1 / 3)
    assert recall(ranking, GRADES, 5) == pytest.approx(2 / 3)
    for metric in (ndcg, reciprocal_rank, recall):
        assert metric(ranking, {"c": 0}, 10) == metric([], GRADES, 10) == 0


names = st.text("abcdefgh", min_size=1, max_size=2)
rankings = st.lists(names, unique=True, max_size=20)
grades = st.dictionaries(names, st.integers(-1, 3).map(float), max_size=12)


@given(rankings, grades, st.integers(1, 15))
def test_whatever_the_ranking(ranking: list[str], graded: dict[str, float], k: int) -> None:
    relevant = {name for name, grade in graded.items() if grade > 0}
    for metric in (ndcg, reciprocal_rank, recall):
        value = metric(ranking, graded, k)
        assert 0 <= value <= 1 + 1e-12
        # What stands behind the k-th place is of no account, nor is what has no grade above 0.
        assert metric(ranking[:k] + ["new"], graded, k) == value or len(ranking) < k
        assert metric(ranking, {name: graded[name] for name in relevant}, k) == value
        assert (value > 0) == bool(relevant.intersection(ranking[:k]))
    perfect = sorted(relevant, key=lambda name: -graded[name]) + ["never"]
    if relevant:
        assert ndcg(perfect, graded, k) == pytest.approx(1)
        assert reciprocal_rank(perfect, graded, k) == 1
        assert recall(perfect, graded, k) == min(k, len(relevant)) / len(relevant)


@given(rankings, grades, st.integers(0, 18))
def test_a_better_document_further_up_is_better(
    ranking: list[str], graded: dict[str, float], at: int
) -> None:
    if at + 1 >= len(ranking):
        return
    swapped = [*ranking[:at], ranking[at + 1], ranking[at], *ranking[at + 2 :]]
    up, down = (max(0.0, graded.get(ranking[at + step], 0)) for step in (0, 1))
    before, after = ndcg(ranking, graded, 30), ndcg(swapped, graded, 30)
    assert (after > before) == (down > up)


def test_differences_of_chance_and_others() -> None:
    base = [0.1 * (number % 10) for number in range(60)]
    none = paired_difference(base, base)
    assert none == {"difference": 0.0, "interval": [0.0, 0.0], "p": 1.0}
    clear = paired_difference(base, [value + 0.05 + 0.001 * at for at, value in enumerate(base)])
    assert clear["p"] < 0.01
    assert 0 < clear["interval"][0] < clear["difference"] < clear["interval"][1]
    noise = paired_difference(base, [v + (0.1 if at % 2 else -0.1) for at, v in enumerate(base)])
    assert noise["p"] > 0.5
    assert noise["interval"][0] < 0 < noise["interval"][1]
    # Five queries, all better: of the 32 ways to set the signs two are as extreme.
    assert paired_difference([0.0] * 5, [0.1, 0.2, 0.3, 0.4, 0.5])["p"] == pytest.approx(2 / 32)
    assert paired_difference([0.0], [1.0])["p"] == 1.0
