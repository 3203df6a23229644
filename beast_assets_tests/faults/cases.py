"""A case, and how many of them are run on all processors."""

import os
import shutil
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from beast_assets_tests.faults import children
from beast_assets_tests.faults.scenes import Counter, Scene


@dataclass(frozen=True)
class Case:
    """One fault.

    Attributes:
        part: ``kills``, ``errors``, ``pairs`` or ``damage``.
        name: what happens in it.
        run: does it in an empty folder and gives what went wrong, in words.
    """

    part: str
    name: str
    run: Callable[[Scene, Path], list[str]]


@dataclass(frozen=True)
class Outcome:
    """A case that was run; ``problems`` is empty where all is well."""

    part: str
    name: str
    seconds: float
    problems: list[str] = field(default_factory=list)


def run_all(cases: Sequence[Case], scene: Scene) -> list[Outcome]:
    """Run the cases, as many at once as there are processors."""
    workers = len(os.sched_getaffinity(0))
    started = []
    for number in range(workers):
        folder = scene.folder / f"worker-{number}"
        folder.mkdir()
        # One after the other in a process of its own, which forks for each.
        share = cases[number::workers]
        started.append((folder, children.Child(partial(_run_share, share, scene, folder), folder)))
    outcomes: list[Outcome] = []
    for folder, child in started:
        ended = child.wait(patience_s=3_600)
        if ended.code != 0:
            raise AssertionError(f"a worker ended with {ended.code}:\n{ended.output}")
        outcomes += ended.value
        shutil.rmtree(folder)
    return outcomes


def _run_share(share: Sequence[Case], scene: Scene, folder: Path) -> list[Outcome]:
    outcomes = []
    scene = replace(scene, encoded=Counter())  # this worker's own
    for case in share:
        place = folder / "case"
        place.mkdir()
        began = time.monotonic()
        try:
            problems = case.run(scene, place)
        except Exception:
            problems = [traceback.format_exc()]
        outcomes.append(Outcome(case.part, case.name, time.monotonic() - began, problems))
        shutil.rmtree(place)
    return outcomes
