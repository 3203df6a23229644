"""Two processes at once, the second begun a random moment after the first."""

import os
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from beast_assets.core.maintenance import maintain
from beast_assets.core.purge import AT_ONCE
from beast_assets.core.settings import Settings
from beast_assets_tests.faults import children
from beast_assets_tests.faults.boundaries import Boundaries
from beast_assets_tests.faults.cases import Case
from beast_assets_tests.faults.checks import look, sound
from beast_assets_tests.faults.commands import beast
from beast_assets_tests.faults.scenes import Scene, index

_LATEST_S = 0.3
_LOCKED = 11
_LOOKS = 8


def pairs(every: int = 1) -> list[Case]:
    """All pairs; with ``every``, a sample of them."""
    return list(_all_pairs())[::every]


def _all_pairs() -> Iterator[Case]:
    kinds: list[tuple[str, Callable[..., list[str]], int]] = [
        ("index and index", _two_indexes, 5),
        ("two commands", _two_commands, 3),
        ("index and maintain", _maintain, 4),
        ("index and readers", _readers, 4),
        ("index and roots remove", _remove, 3),
        ("death of the one that another waits for", _death, 5),
    ]
    for kind, run, times in kinds:
        for number in range(times):
            chance = random.Random(f"{kind} {number}")
            yield Case("pairs", f"{kind}, {number}", partial(run, chance))


def _together(first: Any, second: Any, chance: random.Random, place: Path) -> list[children.Ended]:
    one = children.Child(first, place)
    time.sleep(chance.uniform(0, _LATEST_S))
    other = children.Child(second, place)
    return [one.wait(), other.wait()]


def _wrong(ended: list[children.Ended], *codes: int) -> list[str]:
    allowed = codes or (0,)
    return [f"{e.code}: {e.output[-800:]}" for e in ended if e.code not in allowed]


def _sound(settings: Settings, scene: Scene, place: Path, narrow: bool = False) -> list[str]:
    wanted = scene.narrow if narrow else scene.new
    problems: list[str] = children.answer(
        lambda: (index(settings), sound(settings, scene, wanted=wanted))[1], place
    )
    return problems


def _work(settings: Settings) -> Callable[[], None]:
    def work() -> None:
        index(settings)

    return work


def _two_indexes(chance: random.Random, scene: Scene, place: Path) -> list[str]:
    settings = scene.home("old", place)
    ended = _together(_work(settings), _work(settings), chance, place)
    return _wrong(ended) + _sound(settings, scene, place)


def _two_commands(chance: random.Random, scene: Scene, place: Path) -> list[str]:
    settings = scene.home("old", place)
    command = beast(scene, settings.home, "index")
    ended = _together(command, command, chance, place)
    return _wrong(ended, 0, _LOCKED) + _sound(settings, scene, place)


def _maintain(chance: random.Random, scene: Scene, place: Path) -> list[str]:
    settings = scene.home("old", place)

    def tidy() -> None:
        maintain(settings, retention=AT_ONCE, timeout_s=60)

    first, second = chance.sample([_work(settings), tidy], 2)
    ended = _together(first, second, chance, place)
    return _wrong(ended) + _sound(settings, scene, place)


def _readers(chance: random.Random, scene: Scene, place: Path) -> list[str]:
    settings = scene.home("old", place)

    def read() -> None:
        from beast_assets.core.search import Searcher

        for _ in range(_LOOKS):
            seen = look(settings)
            assert seen in (scene.old, scene.new), "no complete index"
            assert Searcher(settings).search("topic22x1y3", 1)[0].path.endswith("note-22.md")

    ended = _together(_work(settings), read, chance, place)
    return _wrong(ended) + _sound(settings, scene, place)


def _remove(chance: random.Random, scene: Scene, place: Path) -> list[str]:
    settings = scene.home("old", place)
    removal = beast(scene, settings.home, "roots", "remove", os.fsdecode(scene.roots[1]))
    ended = _together(_work(settings), removal, chance, place)
    return _wrong(ended) + _sound(settings, scene, place, narrow=True)


def _death(chance: random.Random, scene: Scene, place: Path) -> list[str]:
    settings = scene.home("old", place)

    def die() -> None:
        Boundaries(settings.home, at=chance.randrange(8, 30)).install()
        index(settings)

    died, other = _together(die, _work(settings), chance, place)
    problems = [] if died.code in (0, -9) else [died.output[-800:]]
    return problems + _wrong([other]) + _sound(settings, scene, place)
