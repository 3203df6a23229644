"""Where golden queries find their files in one version of the index."""

from collections.abc import Iterable, Sequence

from beast_assets.core.forgotten import covers
from beast_assets.core.golden.queries import GoldenQuery
from beast_assets.core.search.documents import rank_documents
from beast_assets.core.search.searcher import Searcher

#: An expected file counts as found among the first so many files of a hybrid search.
DEPTH = 10


def ranks(searcher: Searcher, queries: Iterable[GoldenQuery]) -> dict[str, int]:
    """The rank of the first expected file by the query's key; 0 where it is not found.

    Raises:
        IndexDamagedError: the index cannot be read.
        ModelError: the model is absent, altered or unusable.
    """
    return {query.key: _rank(searcher, query) for query in queries}


def _rank(searcher: Searcher, query: GoldenQuery) -> int:
    found = rank_documents(searcher, query.text, DEPTH).hybrid
    hits = (
        rank
        for rank, path in enumerate(found, 1)
        if any(covers(expected, path) for expected in query.paths)
    )
    return next(hits, 0)


def share_found(found: Sequence[int]) -> float:
    """The share of queries that find their file: 0 to 1."""
    return sum(rank > 0 for rank in found) / len(found)


def mean_reciprocal(found: Sequence[int]) -> float:
    """MRR: the mean of 1 / rank, 0 for what is not found."""
    return sum(1 / rank for rank in found if rank) / len(found)
