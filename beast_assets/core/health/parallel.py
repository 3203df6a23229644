"""Probes in parallel, each with its own time; one that hangs holds up nobody.

A thread cannot be ended from outside. So each probe has a daemon thread, which does not hold up the
process's exit, and one that hangs on a dead mount is not asked again until it has answered: who
asks meanwhile learns at once since when it hangs.
"""

import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future
from typing import NamedTuple

from beast_assets.core.errors import BeastError
from beast_assets.core.health.records import FAIL, Check, Finding
from beast_assets.core.health.subject import NothingToSayError, Probe, Subject

_Key = tuple[object, str]


class _Running(NamedTuple):
    since: float
    answer: "Future[tuple[Finding, float]]"


_running: dict[_Key, _Running] = {}
_lock = threading.Lock()


def run_probes(probes: Iterable[Probe], subject: Subject, timeout_s: float) -> list[Check]:
    """Run all at once; those of one name on one home that run already are joined.

    Args:
        probes: of different names.
        subject: the home.
        timeout_s: how many seconds each may take.

    Returns:
        A check for each, in their order, after ``timeout_s`` at the latest.
    """
    started = [(probe, _started(probe, subject)) for probe in probes]
    return [_check(probe, running, timeout_s) for probe, running in started]


def hanging() -> bool:
    """Whether a probe is still running: the process's end need not wait for it."""
    with _lock:
        return bool(_running)


def _started(probe: Probe, subject: Subject) -> _Running:
    key = (subject.settings.home, probe.name)
    with _lock:
        if key in _running:
            return _running[key]
        running = _Running(time.monotonic(), Future())
        thread = threading.Thread(
            target=_work, args=(key, probe, subject, running), name=probe.name, daemon=True
        )
        try:
            thread.start()
            _running[key] = running
        except RuntimeError as error:  # no more threads
            running.answer.set_result((Finding(FAIL, f"could not be looked at: {error}"), 0.0))
        return running


def _work(key: _Key, probe: Probe, subject: Subject, running: _Running) -> None:
    found = _found(probe, subject)
    with _lock:
        del _running[key]
    running.answer.set_result((found, time.monotonic() - running.since))


def _found(probe: Probe, subject: Subject) -> Finding:
    try:
        return probe.run(subject)
    except NothingToSayError as nothing:
        return nothing.finding
    except BeastError as error:
        return Finding(FAIL, str(error))
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        words = f"{where}{error.strerror or error}: see that it is there and may be read"
        return Finding(FAIL, words)
    except BaseException as error:  # a panic of a library below is not an Exception
        return Finding(FAIL, f"{type(error).__name__}: {error}")


def _check(probe: Probe, running: _Running, timeout_s: float) -> Check:
    try:
        left = running.since + timeout_s - time.monotonic()
        found, seconds = running.answer.result(max(0.0, left))
    except TimeoutError:
        seconds = time.monotonic() - running.since
        found = Finding(probe.late, f"timed out after {seconds:.1f} s: {probe.description}")
    return Check(probe.name, found.status, seconds, found.detail, found.figures)
