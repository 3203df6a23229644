"""The published corpus in classes of size and age, as far as the ledger tells."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from beast_assets.core.ledger_rows import FileRow

DAY_NS: Final = 86_400 * 10**9
#: Upper bounds of the classes of age, in days, and what they are called; the rest is older.
AGES: Final = ((1, "day"), (7, "week"), (30, "month"), (365, "year"))
OLDER: Final = "older"


@dataclass
class CorpusShape:
    """Counts over regular files.

    Attributes:
        files: how many.
        bytes: their sizes, summed.
        sizes: files by size: those below ``4**n`` KiB, and not below ``4**(n-1)``, are ``n``.
        ages: files by the time since their last change, by the names in ``AGES``.
    """

    files: int = 0
    bytes: int = 0
    sizes: Counter[int] = field(default_factory=Counter)
    ages: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, rows: Iterable[FileRow]) -> "CorpusShape":
        """Count the files that are published."""
        shape, now = cls(), time.time_ns()
        for row in rows:
            if row.regular and row.indexed is not None:
                shape.files += 1
                shape.bytes += row.size
                shape.sizes[size_class(row.size)] += 1
                shape.ages[age_class(now - row.mtime_ns)] += 1
        return shape


def size_class(size: int) -> int:
    """0 below 1 KiB, 1 below 4 KiB, 2 below 16 KiB, and so on."""
    return ((size >> 10).bit_length() + 1) // 2


def age_class(age_ns: int) -> str:
    """The name of an age; what lies in the future is of today."""
    return next((name for days, name in AGES if age_ns < days * DAY_NS), OLDER)
