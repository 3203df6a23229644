"""What a run has in hand while it works: seconds by stage, the slowest files, a few chunks.

Nothing here is read again for the sake of being shown, and all of it is bounded.
"""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from beast_assets.core.index import Row

SLOWEST: Final = 5
SAMPLES: Final = 3
#: Characters that fall into one class of chunk lengths.
LENGTH_STEP: Final = 100


class SlowFile(NamedTuple):
    """Seconds that reading and cutting a file took, its path below its root, its bytes."""

    seconds: float
    path: bytes
    size: int


@dataclass
class Detail:
    """How the work on a bucket went.

    Attributes:
        hash_seconds: reading and hashing, which are one pass.
        cut_seconds: taking the text out of files and cutting it.
        embed_seconds: getting vectors, from the cache or the model; of a batch with rows of other
            buckets, the share of these rows that the model was given.
        slowest: the files that took longest to read and cut.
        samples: the first rows that were written.
        lengths: rows written by length: those of ``100 n`` characters and more are ``n``.
    """

    hash_seconds: float = 0.0
    cut_seconds: float = 0.0
    embed_seconds: float = 0.0
    slowest: list[SlowFile] = field(default_factory=list)
    samples: list[Row] = field(default_factory=list)
    lengths: Counter[int] = field(default_factory=Counter)

    def read(self, path: bytes, size: int, hashing: float, cutting: float) -> None:
        """Note a file that was read and cut; ``hashing`` and ``cutting`` are seconds."""
        self.hash_seconds += hashing
        self.cut_seconds += cutting
        slow = SlowFile(hashing + cutting, path, size)
        if len(self.slowest) < SLOWEST:
            heapq.heappush(self.slowest, slow)
        else:
            heapq.heappushpop(self.slowest, slow)

    def cut(self, rows: Sequence[Row]) -> None:
        """Note the rows of a file."""
        self.samples += rows[: SAMPLES - len(self.samples)]
        self.lengths.update(len(row.text) // LENGTH_STEP for row in rows)
