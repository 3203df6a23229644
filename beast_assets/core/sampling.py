"""Which files a verification reads: a choice that a seed repeats."""

import hashlib
import heapq
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from beast_assets.core.errors import UsageError

Chosen = Callable[[str], bool]
_WHOLE = 2**64


class Sample(NamedTuple):
    """A share of the files, or so many of them."""

    share: float = 1.0
    files: int | None = None


def parse_sample(text: str) -> Sample:
    """Read ``5%``, ``200`` (files) or ``all``.

    Raises:
        UsageError: it is something else.
    """
    if text == "all":
        return Sample()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return Sample(files=int(text))
    if re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?%", text) and float(text[:-1]) <= 100:
        return Sample(share=float(text[:-1]) / 100)
    raise UsageError(f"{text!r} is no share of the files: write 5%, 200 or all")


def choose(sample: Sample, seed: int, file_ids: Iterable[str]) -> Chosen:
    """Say which files are in the sample.

    Args:
        sample: how many.
        seed: another one chooses others.
        file_ids: all of them; asked for only where their number matters.
    """

    def lot(file_id: str) -> int:
        return int.from_bytes(hashlib.sha256(f"{seed}:{file_id}".encode()).digest()[:8])

    if sample.files is None:
        limit = sample.share * _WHOLE
        return lambda file_id: lot(file_id) < limit
    drawn = set(heapq.nsmallest(sample.files, file_ids, key=lot))
    return drawn.__contains__
