"""How good a ranking is, by grades that people gave; as BEIR and trec_eval count. Pure.

A document whose grade is not above 0, or that has none, is not relevant. No document stands twice
in a ranking.
"""

import math
from collections.abc import Mapping, Sequence

Grades = Mapping[str, float]


def ndcg(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """Normalized discounted cumulative gain of the first ``k``: 0 to 1.

    The gain of a document is its grade, divided by log2(rank + 1); the sum is divided by that of
    the best possible ranking of all graded documents, found or not.
    """
    best = _discounted(sorted(_relevant(grades).values(), reverse=True)[:k])
    found = _discounted([max(grades.get(name, 0.0), 0.0) for name in ranking[:k]])
    return found / best if best else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """1 / rank of the first relevant document; 0 if none is among the first ``k``."""
    relevant = _relevant(grades)
    ranks = (rank for rank, name in enumerate(ranking[:k], 1) if name in relevant)
    return 1 / next(ranks, math.inf)


def recall(ranking: Sequence[str], grades: Grades, k: int) -> float:
    """The share of the relevant documents that is among the first ``k``; 0 if there are none."""
    relevant = _relevant(grades)
    found = sum(name in relevant for name in ranking[:k])
    return found / len(relevant) if relevant else 0.0


def _relevant(grades: Grades) -> dict[str, float]:
    return {name: grade for name, grade in grades.items() if grade > 0}


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))
