"""Questions to the published index.

``Searcher`` answers from the one version that it opened; ``IndexHandle`` follows the versions,
keeps answers, and computes what several ask at once only once.
"""

from .handle import Answer, Counters, IndexHandle
from .hits import Hit, Hits
from .options import MODES, SearchOptions
from .ranking import Ranking, Rankings, fuse
from .searcher import Searcher

__all__ = [
    "MODES",
    "Answer",
    "Counters",
    "Hit",
    "Hits",
    "IndexHandle",
    "Ranking",
    "Rankings",
    "SearchOptions",
    "Searcher",
    "fuse",
]
