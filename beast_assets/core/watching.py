"""When to look: after events, after a while, later after failures; and never too often."""

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

from beast_assets.core.watch_folders import Watched, Weight

# A file that was hashed within two seconds of its change is hashed once more; and folders that
# appeared during a run are found by then.
_AFTER_RUN_S = 2.5
# A full look takes at most this share of the time, a look after an event at most half of it.
_SHARE = 0.05
_LONGEST_RETRY_S = 60.0
# A failed run leaves a record: an unbounded retry would make hundreds of thousands of them.
_LONGEST_RERUN_S = 3_600.0
# Something that is written without end shall not be indexed without end.
_RUNS_AT_ONCE, _RUN_EVERY_S = 30, 20.0
# How soon a pause is noticed.
_PATIENCE_S = 1.0


class Events(Protocol):
    """What wakes; see ``FileEvents``."""

    def wait(self, seconds: float) -> Collection[bytes] | None:
        """The paths of events; none after so many seconds, None if some were lost."""

    def close(self) -> None:
        """Gather no events until the next full look."""


@dataclass
class Pace:
    """When the next look is due, in seconds of a clock that never goes back.

    Attributes:
        interval_s: a full look is due at least so often, if looks are quick.
        clock: for tests.
    """

    interval_s: float
    clock: Callable[[], float] = time.monotonic
    _due: float = 0.0
    _not_before: float = 0.0
    _failures: int = 0
    _runs: float = 0.0
    _counted: float = field(default=0.0)

    def looked(self, took_s: float, *, ran: bool) -> None:
        """A look ended well, after so many seconds; ``ran`` if it led to a run."""
        now = self.clock()
        self._failures = 0
        self._count(now, ran)
        self._due = now + max(self.interval_s, took_s / _SHARE)
        self._not_before = now + took_s
        if ran:
            self._due = min(self._due, now + _AFTER_RUN_S)
            over = self._runs - (_RUNS_AT_ONCE - 1)
            self._not_before = now + max(0.0, over * _RUN_EVERY_S)

    def failed(self, *, ran: bool) -> float:
        """A look, or with ``ran`` a run, failed; gives the seconds until it is tried again."""
        now = self.clock()
        self._failures = min(self._failures + 1, 30)
        self._count(now, ran)
        wait = 2.0 ** (self._failures - 1)
        self._not_before = now + min(wait, _LONGEST_RETRY_S)
        self._due = now + min(wait, _LONGEST_RERUN_S if ran else _LONGEST_RETRY_S)
        return self._due - now

    def rest_s(self) -> float:
        """How long even an event has to wait."""
        return max(0.0, self._not_before - self.clock())

    def left_s(self) -> float:
        """How long until the next full look."""
        return max(0.0, self._due - self.clock(), self.rest_s())

    def _count(self, now: float, ran: bool) -> None:
        self._runs = max(0.0, self._runs - (now - self._counted) / _RUN_EVERY_S) + ran
        self._counted = now


@dataclass
class Watching:
    """The loop: wait, look, and again.

    Attributes:
        events: what wakes early.
        watched: says what events are worth.
        look: takes a look, after listing the folders anew if it is given True, and tells the pace.
        held: why nothing is to be looked at now; None to go on.
        pace: see there.
        stop: ends the loop when it is set.
    """

    events: Events
    watched: Callable[[], Watched]
    look: Callable[[bool], None]
    held: Callable[[], str | None]
    pace: Pace
    stop: threading.Event

    def run(self) -> None:
        """Watch until told to stop."""
        weight = Weight.FOLDERS
        while not self.stop.is_set():
            if self.held() is not None:
                self.events.close()
                self.stop.wait(_PATIENCE_S)
                weight = Weight.FOLDERS
                continue
            self.look(weight == Weight.FOLDERS)
            weight = self._wait()

    def _wait(self) -> Weight:
        """What the next look is to be; events gather while the pace wants rest."""
        self.stop.wait(self.pace.rest_s())
        while not self.stop.is_set() and self.held() is None:
            left = self.pace.left_s()
            if left <= 0:
                break
            paths = self.events.wait(min(left, _PATIENCE_S))
            weight = Weight.FOLDERS if paths is None else self.watched().weigh(paths)
            if weight != Weight.NOTHING:
                return weight
        return Weight.FOLDERS
