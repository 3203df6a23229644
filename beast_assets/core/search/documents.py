"""Rankings of files: each counts by the best of its passages, and copies are not left out."""

from collections.abc import Mapping
from typing import NamedTuple

from beast_assets.core.search.options import LONGEST_QUERY
from beast_assets.core.search.ranking import Ranking
from beast_assets.core.search.searcher import Searcher

# As a search does: at least fifty candidates, twice as many as are wanted, then four times.
_CANDIDATES, _DEEPEST = 50, 10_000


class Documents(NamedTuple):
    """Absolute paths of files, best first, none twice: the parts of ``Rankings``."""

    vector: list[bytes]
    text: list[bytes]
    hybrid: list[bytes]


def rank_documents(searcher: Searcher, query: str, wanted: int) -> Documents:
    """The best files of each ranking, as far as there are so many.

    Args:
        searcher: the version to ask.
        query: a blank one finds nothing; of a very long one the beginning is asked.
        wanted: how many files of each ranking.

    Raises:
        IndexDamagedError: the index cannot be read.
        ModelError: the model is absent, altered or unusable.
    """
    if not query.strip():
        return Documents([], [], [])
    depth = max(_CANDIDATES, 2 * wanted)
    while True:
        rankings = searcher.rankings(query[:LONGEST_QUERY], depth)
        paths = searcher.paths([row for row, _ in rankings.fused])
        found = Documents(*(_files(ranking, paths, wanted) for ranking in rankings))
        # What one of the two has enough of, the fused one has, too.
        pairs = zip(found[:2], rankings[:2], strict=True)
        if depth >= _DEEPEST or all(len(f) >= wanted or len(r) < depth for f, r in pairs):
            return found
        depth *= 4


def _files(ranking: Ranking, paths: Mapping[int, bytes], wanted: int) -> list[bytes]:
    known = (paths[row] for row, _ in ranking if row in paths)
    return list(dict.fromkeys(known))[:wanted]
