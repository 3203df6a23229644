"""How everything here is measured: in pairs, several times, with the spread beside the median.

Two programs are never timed one after the other, as in A A A B B B: the machine may be slower
during the B's. They take turns, and the ratio is taken within each turn.
"""

import gc
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

_LEAST_ROUNDS = 3


@dataclass(frozen=True)
class Spread:
    """A median and what it was taken from.

    Attributes:
        median: of all rounds.
        low: the smallest.
        high: the largest.
        rounds: how many there were.
    """

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values), len(values))

    def __str__(self) -> str:
        if self.rounds == 1:
            return _short(self.median)
        return f"{_short(self.median)} ({_short(self.low)}–{_short(self.high)})"


def _short(value: float) -> str:
    if value and abs(value) < 100 and value != int(value):
        return f"{value:.3g}"
    return f"{value:,.0f}"


@dataclass(frozen=True)
class Reach:
    """What a value is to reach: at least, or at most, this much."""

    kind: Literal["at least", "at most"]
    value: float

    def met_by(self, value: float) -> bool:
        """Whether a value is on the right side."""
        return value >= self.value if self.kind == "at least" else value <= self.value


def at_least(value: float) -> Reach:
    """More is better."""
    return Reach("at least", value)


def at_most(value: float) -> Reach:
    """Less is better."""
    return Reach("at most", value)


@dataclass(frozen=True)
class Line:
    """One figure.

    Attributes:
        label: what was measured, for people.
        value: the figure; a ratio wherever there is something to compare with.
        unit: ``×`` for ratios, else ``s``, ``µs``, ``MiB``, ``%``, ``texts`` and the like.
        against: what one would use otherwise, and with what the ratio was taken; empty for a
            figure that stands alone.
        reach: what it is to reach, if that was said beforehand.
        parts: what the ratio was made of, by name and unit, as in ``{"ours, s": …}``.
        note: what has to be known to read the figure rightly.
    """

    label: str
    value: Spread
    unit: str
    against: str = ""
    reach: Reach | None = None
    parts: Mapping[str, Spread] = field(default_factory=dict)
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the median reaches it; None where nothing is to be reached."""
        return None if self.reach is None else self.reach.met_by(self.value.median)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"met": self.met}


@dataclass(frozen=True)
class Missing:
    """A figure that could not be had, and why: nothing is left out in silence."""

    label: str
    reason: str


@dataclass(frozen=True)
class Result:
    """What a benchmark gives.

    Attributes:
        name: the benchmark's name.
        title: a line for people and for the plot.
        lines: its figures.
        missing: figures that could not be had.
        setup: what was measured: sizes, counts, versions of peers.
    """

    name: str
    title: str
    lines: Sequence[Line]
    missing: Sequence[Missing] = ()
    setup: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "lines": [line.to_dict() for line in self.lines],
            "missing": [asdict(each) for each in self.missing],
            "setup": dict(self.setup),
        }


@dataclass(frozen=True)
class Options:
    """How much to measure.

    Attributes:
        folder: an empty scratch folder, removed afterwards.
        rounds: how many times each pair takes its turn.
        quick: tiny sizes, to see that a benchmark works; its figures mean nothing.
        sizes: sizes that were given on the command line, by name; see ``size``.
    """

    folder: Path
    rounds: int = 5
    quick: bool = False
    sizes: Mapping[str, int] = field(default_factory=dict)

    def size(self, name: str, full: int, quick: int) -> int:
        """A size of the benchmark: as given, else the full one or that of a quick run."""
        return self.sizes.get(name, quick if self.quick else full)


@dataclass(frozen=True)
class Paired:
    """Measurements taken in turns.

    Attributes:
        values: by name, one value a round, the same rounds for all.
        cpu: CPU seconds of the same, children's included, where values are seconds.
    """

    values: Mapping[str, Sequence[float]]
    cpu: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def parts(self) -> dict[str, Spread]:
        """Seconds of each, and CPU seconds, which other users of the machine do not lengthen."""
        wall = {f"{name}, s": Spread.of(values) for name, values in self.values.items()}
        return wall | {f"{name}, CPU s": Spread.of(values) for name, values in self.cpu.items()}

    def spread(self, name: str) -> Spread:
        """Of one of them."""
        return Spread.of(self.values[name])

    def ratio(self, above: str, below: str) -> Spread:
        """Of the quotients, each taken within a round."""
        pairs = zip(self.values[above], self.values[below], strict=True)
        return Spread.of([a / b for a, b in pairs])


def paired(
    works: Mapping[str, Callable[[], object]], rounds: int, *, warm_up: bool = True
) -> Paired:
    """Measure the seconds of several works in turns: A B A B A B.

    Every second round goes backwards, so that none is always the one after the other.

    Args:
        works: what to time, by name.
        rounds: at least 3.
        warm_up: do each once before, untimed.
    """
    burnt: dict[str, list[float]] = {name: [] for name in works}

    def measured(name: str) -> float:
        before = _cpu_seconds()
        took = seconds(works[name])
        burnt[name].append(_cpu_seconds() - before)
        return took

    turns = {name: partial(measured, name) for name in works}
    values = paired_values(turns, rounds, warm_up=warm_up).values
    return Paired(values, {name: burnt[name][-rounds:] for name in works})


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def paired_values(
    works: Mapping[str, Callable[[], float]], rounds: int, *, warm_up: bool = True
) -> Paired:
    """As ``paired``, for works that measure themselves and give the value.

    Raises:
        ValueError: of fewer than 3 rounds, a median says nothing.
    """
    if rounds < _LEAST_ROUNDS:
        raise ValueError(f"{rounds} rounds: take at least {_LEAST_ROUNDS}")
    if warm_up:
        for work in works.values():
            work()
    values: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds):
        names = list(works)[:: 1 if number % 2 == 0 else -1]
        for name in names:
            gc.collect()
            values[name].append(works[name]())
    return Paired(values)


def seconds(work: Callable[[], object]) -> float:
    """Do it, and give the wall time that it took."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def output_of(command: Sequence[str | Path], **options: Any) -> str:
    """Run a program to its end and give its standard output.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    done = subprocess.run(  # noqa: S603 - our own words
        [str(word) for word in command], capture_output=True, text=True, check=False, **options
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-2_000:]
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {said}")
    printed: str = done.stdout
    return printed


def python(program: str, *words: str | Path, **options: Any) -> str:
    """Run a Python program in a fresh interpreter, from the checkout, and give its output."""
    options.setdefault("cwd", Path(__file__).resolve().parent.parent)
    return output_of([sys.executable, "-c", program, *words], **options)
