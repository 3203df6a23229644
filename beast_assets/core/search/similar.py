"""Passages that say nearly the same as a better one, and too many of one file."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

# Of two passages' three-word runs: the share that both have.
_ALIKE = 0.9
_RUN = 3
_WORD = re.compile(r"\w+")


class _HasRow(Protocol):
    @property
    def row(self) -> dict[str, Any]: ...


R = TypeVar("R", bound=_HasRow)


def without_copies(
    ranked: Iterable[R], wanted: int, *, per_file: int = 0, keep_copies: bool = False
) -> list[tuple[R, int]]:
    """The best of which none says nearly the same as a better one.

    Args:
        ranked: rows of the index, best first.
        wanted: at most so many.
        per_file: at most so many of one file; 0 for any number.
        keep_copies: let what says the same stay.

    Returns:
        Each, and how many copies of it were met and left out.
    """
    kept: list[R] = []
    copies: list[int] = []
    runs: list[frozenset[Any]] = []
    for one in ranked:
        own = frozenset() if keep_copies else _runs(one.row["text"])
        same = next((at for at, other in enumerate(runs) if _alike(own, other)), None)
        if same is not None:
            copies[same] += 1
        elif _has_room([other.row["file_id"] for other in kept], one.row["file_id"], per_file):
            if len(kept) == wanted:
                break
            kept.append(one)
            copies.append(0)
            runs.append(own)
    return list(zip(kept, copies, strict=True))


def _has_room(files: Sequence[str], file: str, per_file: int) -> bool:
    return not per_file or files.count(file) < per_file


def _runs(text: str) -> frozenset[Any]:
    words = _WORD.findall(text.lower())
    if len(words) < _RUN:
        return frozenset([tuple(words) or text])
    return frozenset(zip(*(words[at:] for at in range(_RUN)), strict=False))


def _alike(one: frozenset[Any], other: frozenset[Any]) -> bool:
    least = _ALIKE * max(len(one), len(other), 1)
    return min(len(one), len(other)) >= least and len(one & other) >= least
