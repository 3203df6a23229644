"""What the corpus is like, in four charts."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from beast_assets.core.corpus_shape import AGES, OLDER, CorpusShape
from beast_assets.core.detail import LENGTH_STEP, Detail
from beast_assets.core.picture import Bar, Panel, as_markdown, draw

#: How many of the last runs are shown.
RUNS: Final = 30
_UNITS: Final = ("1K", "4K", "16K", "64K", "256K", "1M", "4M", "16M", "64M", "256M", "1G")


def corpus_picture(
    shape: CorpusShape, details: Iterable[Detail], runs: Sequence[Mapping[str, Any]]
) -> str:
    """Markdown with a picture.

    Args:
        shape: of the corpus.
        details: of the buckets of this run.
        runs: reports of the last runs, the earliest first; those that wrote nothing are left out.
    """
    lengths: Counter[int] = sum((detail.lengths for detail in details), Counter())
    panels = [
        Panel("Files by size", _sizes(shape)),
        Panel("Files by last change, within", [_age(shape, name) for name in _ages()]),
        Panel("Chunks of this run by length, characters from", _lengths(lengths)),
        Panel("Chunks written by the last runs", _runs(runs), ("embedded", "reused")),
    ]
    return as_markdown(draw(panels), "The corpus")


def _sizes(shape: CorpusShape) -> list[Bar]:
    last = len(_UNITS)
    counts = [0.0] * (last + 1)
    for number, files in shape.sizes.items():
        counts[min(number, last)] += files
    used = max((number for number, files in enumerate(counts) if files), default=-1)
    names = [f"<{unit}" for unit in _UNITS] + [f"≥{_UNITS[-1]}"]
    return [Bar(names[number], (counts[number],)) for number in range(used + 1)]


def _ages() -> list[str]:
    return [*(name for _, name in AGES), OLDER]


def _age(shape: CorpusShape, name: str) -> Bar:
    return Bar(name, (shape.ages[name],))


def _lengths(lengths: Counter[int]) -> list[Bar]:
    classes = range(max(lengths, default=-1) + 1)
    return [Bar(str(number * LENGTH_STEP), (lengths[number],)) for number in classes]


def _runs(runs: Sequence[Mapping[str, Any]]) -> list[Bar]:
    worked = [run for run in runs if run.get("chunks_written")]
    return [
        Bar(str(number) if number else "last", (run.get("embedded", 0), run.get("reused", 0)))
        for number, run in enumerate(worked, 1 - len(worked))
    ]
