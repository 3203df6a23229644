"""How long each of several questions takes: the median says little of the worst."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.harness import Spread


class Quantiles:
    """Asks all questions, one after the other; a work for ``paired_values``."""

    def __init__(self, ask: Callable[[Any], object], questions: Sequence[Any]) -> None:
        self._ask = ask
        self._questions = questions
        self._rounds: list[list[float]] = []

    def __call__(self) -> float:
        """Ask, and give the median in milliseconds."""
        took = []
        for question in self._questions:
            began = time.perf_counter()
            self._ask(question)
            took.append((time.perf_counter() - began) * 1e3)
        self._rounds.append(sorted(took))
        return _at(self._rounds[-1], 0.5)

    def spread(self, share: float) -> Spread:
        """Milliseconds within which this share was answered, over all rounds but the first.

        The first is the one that ``paired_values`` warms up with.
        """
        return Spread.of([_at(took, share) for took in self._rounds[1:]])


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
