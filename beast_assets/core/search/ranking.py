"""Several rankings of the same rows made one."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

# Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009). The paper's constant is 60, for lists of
# a thousand; over fifty candidates 5 does as well (docs/decisions.md), and a passage that is first
# in one list is not overtaken by one that is in the middle of both.
RRF_K = 5

#: Numbers of rows with their scores, best first.
Ranking = list[tuple[int, float]]


class Rankings(NamedTuple):
    """The same question asked in three ways.

    Attributes:
        vector: by meaning; the score is the cosine.
        text: by words; the score is BM25.
        fused: what a hybrid search goes by.
    """

    vector: Ranking
    text: Ranking
    fused: Ranking


def fuse(rankings: Sequence[Sequence[int]]) -> Ranking:
    """Reciprocal rank fusion: rows and scores, best first, ties by row."""
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, row in enumerate(ranking, 1):
            scores[row] += 1 / (RRF_K + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
