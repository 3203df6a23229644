"""Ways to make one ranking of two, to be compared with ours."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import fmean, pstdev

from beast_assets.core.search import Ranking, fuse
from beast_assets.core.search.ranking import CANDIDATES, in_order

#: Makes one ranking, of rows only, of those by vector and by text.
Fusion = Callable[[Ranking, Ranking], Sequence[int]]
Normal = Callable[[Sequence[float]], Sequence[float]]


def by_vector(vector: Ranking, text: Ranking) -> list[int]:
    """By meaning alone."""
    return _rows(vector)


def by_text(vector: Ranking, text: Ranking) -> list[int]:
    """By words alone."""
    return _rows(text)


def ours(vector: Ranking, text: Ranking, depth: int = CANDIDATES) -> list[int]:
    """What a hybrid search does."""
    return _rows(fuse(vector[:depth], text[:depth]))


def by_ranks(vector: Ranking, text: Ranking, k: int, weight: float = 1) -> list[int]:
    """Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009); ``weight`` is that of the text."""
    scores: dict[int, float] = defaultdict(float)
    for ranking, share in ((vector, 1.0), (text, weight)):
        for rank, (row, _) in enumerate(ranking[:CANDIDATES], 1):
            scores[row] += share / (k + rank)
    return _rows(in_order(scores))


def by_scores(vector: Ranking, text: Ranking, normal: Normal, weight: float) -> list[int]:
    """A weighted sum of normalised scores; who is not in a list has its last score."""
    scores: dict[int, float] = defaultdict(float)
    for ranking, share in ((vector, 1 - weight), (text, weight)):
        some = ranking[:CANDIDATES]
        if not some:
            continue
        values = normal([score for _, score in some])
        found = dict(zip(_rows(some), values, strict=True))
        for row in {*_rows(vector[:CANDIDATES]), *_rows(text[:CANDIDATES])}:
            scores[row] += share * found.get(row, values[-1])
    return _rows(in_order(scores))


def to_unit(values: Sequence[float]) -> list[float]:
    """From 0 for the last to 1 for the first."""
    span = values[0] - values[-1] or 1.0
    return [(value - values[-1]) / span for value in values]


def to_deviations(values: Sequence[float]) -> list[float]:
    """Standard deviations from the mean."""
    mean, spread = fmean(values), pstdev(values) or 1.0
    return [(value - mean) / spread for value in values]


#: What stands in the table, by the name it has there.
COMPARED: Mapping[str, Fusion] = {
    "RRF, k = 60": partial(by_ranks, k=60),
    "RRF, k = 5": partial(by_ranks, k=5),
    "RRF, k = 1, text twice": partial(by_ranks, k=1, weight=2),
    "min-max, text .6": partial(by_scores, normal=to_unit, weight=0.6),
    "z-score, text .6": partial(by_scores, normal=to_deviations, weight=0.6),
    "ours over 20 candidates": partial(ours, depth=20),
    "ours over 200 candidates": partial(ours, depth=200),
}


def _rows(ranking: Ranking) -> list[int]:
    return [row for row, _ in ranking]
