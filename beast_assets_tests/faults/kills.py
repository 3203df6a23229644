"""Death by SIGKILL before and after every single write."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from beast_assets.core.maintenance import maintain
from beast_assets.core.purge import AT_ONCE
from beast_assets.core.session import Request
from beast_assets.core.settings import Settings
from beast_assets_tests.faults import children
from beast_assets_tests.faults.boundaries import Boundaries
from beast_assets_tests.faults.cases import Case
from beast_assets_tests.faults.checks import Sight, look, sound
from beast_assets_tests.faults.commands import beast
from beast_assets_tests.faults.scenes import BATCH, Scene, index

Do = Callable[[Settings], Any]


@dataclass(frozen=True)
class Operation:
    """Something that writes.

    Attributes:
        name: of it.
        home: the prepared home that it begins with.
        do: the operation.
        with_roots: the roots come with the settings, for a home that has none yet.
    """

    name: str
    home: str
    do: Do
    with_roots: bool = False

    def settings(self, scene: Scene, place: Path) -> Settings:
        """Settings of a fresh copy of its home."""
        settings = scene.home(self.home, place)
        return replace(settings, roots=scene.roots) if self.with_roots else settings


OPERATIONS = [
    Operation("first index", "first", index, with_roots=True),
    Operation("update", "old", index),
    Operation("rebuild", "new", lambda settings: index(settings, Request(rebuild=True))),
    Operation("maintain", "rebuilt", lambda settings: maintain(settings, retention=AT_ONCE)),
    Operation("repair of rows", "disagreeing", index),
    Operation("repair of a lost index", "lost", index),
]


def kills(scene: Scene, every: int = 1) -> list[Case]:
    """All points of death; with ``every``, a sample of them."""
    return list(_all_kills(scene))[::every]


def _all_kills(scene: Scene) -> Iterator[Case]:
    for operation in OPERATIONS:
        names = count(scene, operation)
        for number, name in enumerate(names, 1):
            for after in (False, True):
                when = "after" if after else "before"
                yield Case(
                    "kills",
                    f"{operation.name}: {when} write {number}, {name}",
                    partial(_kill, operation, number, after),
                )


def count(scene: Scene, operation: Operation) -> list[str]:
    """The writes of an operation, by a run that nothing happens to."""
    place = scene.folder / "count"
    place.mkdir()
    settings = operation.settings(scene, place)
    names: list[str] = children.answer(lambda: _watched(settings, operation.do), place)
    place.rename(scene.folder / f"counted {operation.name}")
    return names


def _watched(settings: Settings, do: Do, **more: Any) -> list[str]:
    boundaries = Boundaries(settings.home, **more)
    boundaries.install()
    do(settings)
    return boundaries.crossed


def _kill(operation: Operation, number: int, after: bool, scene: Scene, place: Path) -> list[str]:
    settings = operation.settings(scene, place)
    before = scene.encoded.value

    def die() -> None:
        scene.encoded.watch_model()
        _watched(settings, operation.do, at=number, after=after)

    died = children.run(die, place)
    if not died.killed:
        return [f"it was not killed but ended with {died.code}: {died.output[-500:]}"]
    problems = seen_complete(settings, scene, place)
    allowed = before + _cost(operation, scene) + BATCH
    return problems + recovered(settings, scene, place, allowed)


def _cost(operation: Operation, scene: Scene) -> int:
    """Texts that the operation embeds if nothing happens: the rest is in the cache."""
    return {"first": scene.new.texts, "old": scene.fresh}.get(operation.home, 0)


def seen_complete(settings: Settings, scene: Scene, place: Path) -> list[str]:
    """Whether readers see one of the complete states, or are told that there is none."""
    from beast_assets.core.errors import IndexDamagedError, NoIndexError
    from beast_assets.core.ledger import Ledger

    def see() -> Sight | None:
        try:
            if Ledger.open_existing(settings.ledger_url).published() is None:
                return None
            return look(settings)
        except (NoIndexError, IndexDamagedError):
            return None
        except ValueError as error:  # what LanceDB says of a table that is not there
            return None if "not found" in str(error) else look(settings)

    ended = children.run(see, place)
    if ended.code != 0:
        return [f"a reader failed: {ended.output[-1_000:]}"]
    whole = ended.value in (None, scene.old, scene.new)
    return [] if whole else ["a reader saw rows of no complete index"]


def recovered(settings: Settings, scene: Scene, place: Path, allowed: int) -> list[str]:
    """What is wrong after one more run; ``allowed`` is how far the model's count may have come."""

    def recover() -> list[str]:
        scene.encoded.watch_model()
        index(settings)
        over = scene.encoded.value - allowed
        problems = [f"{over} texts more than one batch were embedded twice"] if over > 0 else []
        return problems + sound(settings, scene)

    ended = children.run(recover, place)
    if ended.code != 0:
        return [f"the next run ended with {ended.code}: {ended.output[-1_500:]}"]
    problems: list[str] = ended.value
    return problems


def kills_of_commands(scene: Scene, points: int) -> list[Case]:
    """Points of death in ``beast index`` with Dagster, its databases included, evenly spread."""
    place = scene.folder / "counted commands"
    place.mkdir()
    settings = scene.home("old", place)
    boundaries = Boundaries(settings.home, own=False)
    names = children.answer(beast(scene, settings.home, "index", boundaries=boundaries), place)
    numbers = [1 + len(names) * point // points for point in range(points)]
    return [
        Case(
            "kills",
            f"beast index: before write {number}, {names[number - 1]}",
            partial(_kill_command, number),
        )
        for number in numbers
    ]


def _kill_command(number: int, scene: Scene, place: Path) -> list[str]:
    settings = scene.home("old", place)
    boundaries = Boundaries(settings.home, at=number, own=False)
    died = children.run(beast(scene, settings.home, "index", boundaries=boundaries), place)
    problems = [] if died.killed else [f"it was not killed but ended with {died.code}"]
    again = children.run(beast(scene, settings.home, "index"), place)
    if again.code != 0:
        problems.append(f"the next command ended with {again.code}: {again.output[-1_000:]}")
    alive = children.answer(partial(_believed_alive, settings), place)
    problems += [f"{alive} runs are believed alive"] if alive else []
    found: list[str] = children.answer(lambda: sound(settings, scene), place)
    return problems + found


def _believed_alive(settings: Settings) -> int:
    import dagster as dg

    from beast_assets.defs.launch import home_instance
    from beast_assets.defs.runs import IN_FLIGHT

    with home_instance(settings) as instance:
        return instance.get_runs_count(dg.RunsFilter(statuses=IN_FLIGHT))
