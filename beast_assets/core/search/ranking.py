"""Several rankings of the same rows made one."""

import math
from collections.abc import Sequence
from typing import NamedTuple

#: How many rows of each ranking are fused, at least.
CANDIDATES = 50
# Chosen over several kinds of questions, as all here: docs/decisions.md, "Retrieval".
_TEXT_WEIGHT = 0.4
# Vectors are float16: below this, what cosines differ by is noise.
_LEAST_ROOM = 0.01

#: Numbers of rows with their scores, best first.
Ranking = list[tuple[int, float]]


class Rankings(NamedTuple):
    """The same question asked in three ways.

    Attributes:
        vector: by meaning; the score is the cosine.
        text: by words; the score is BM25, of the words and of phrases.
        fused: what a hybrid search goes by; the score is at most 1.
    """

    vector: Ranking
    text: Ranking
    fused: Ranking


def fuse(vector: Ranking, text: Ranking) -> Ranking:
    """A weighted sum of what both rankings say: rows and scores, best first, ties by row.

    BM25 counts as a share of the best row's. A cosine counts by how far it goes from that of the
    last candidate to 1, which is the same for models whose cosines are all high. Scores say what
    ranks do not: where one passage holds all the words of a question, the others' BM25 is far
    below and meaning changes nothing; where many hold some of them, meaning decides.

    Args:
        vector: rows and cosines, best first.
        text: rows and BM25, best first.
    """
    last = vector[:CANDIDATES][-1][1] if vector else 0.0
    room = max(1 - last, _LEAST_ROOM)
    scores = {row: (1 - _TEXT_WEIGHT) * (cosine - last) / room for row, cosine in vector}
    for row, bm25 in text:
        # Not below 0, or who looks deeper would find passages to be worse.
        scores[row] = max(scores.get(row, 0.0), 0.0) + _TEXT_WEIGHT * bm25 / text[0][1]
    return in_order(scores)


def add_phrases(words: Ranking, phrases: Sequence[Ranking]) -> Ranking:
    """BM25 of words and of phrases added up; rows and scores, best first.

    The BM25 of a phrase is that of its words, however rare it is to find them together. So what
    the best row has for the words is added, whole if one row alone has the phrase, and less the
    more have it. A row that is not among those listed for the words counts for these with what
    the last of the list has.
    """
    scores = dict(words)
    best, least = (words[0][1], words[-1][1]) if words else (0.0, 0.0)
    for ranking in filter(None, phrases):
        rarity = max(0.0, 1 - math.log(len(ranking), CANDIDATES))
        for row, bm25 in ranking:
            scores[row] = scores.get(row, least) + bm25 + best * rarity
    return in_order(scores)


def in_order(scores: dict[int, float]) -> Ranking:
    """Rows by their scores, best first, ties by row."""
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))
