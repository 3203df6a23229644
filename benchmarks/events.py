"""What is embedded again after a change, counted in texts given to the model.

The model itself is left out: what is given to it does not hang on it. Each event comes on top of
the ones before it, each system has a folder and a state of its own.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import corpus
from benchmarks.harness import Line, Missing, Reach, Spread, at_most
from benchmarks.systems import System

_INSERTED = "One walrus more stands in the middle of this file.\n"
_MARK = "zqzqzqzq"
_KILL_NOTE = "one kill each; what CocoIndex had kept by then differs from kill to kill"


def _nothing(folder: Path) -> None:
    pass


def _insert_line(folder: Path) -> None:
    lines = _victim(folder).read_text().splitlines(keepends=True)
    lines.insert(len(lines) // 2, _INSERTED)
    _victim(folder).write_text("".join(lines))


def _rename(folder: Path) -> None:
    _victim(folder).rename(_victim(folder).with_name("pep-9998.rst"))


def _copy(folder: Path) -> None:
    shutil.copyfile(_victim(folder), folder / "peps" / "pep-9999.rst")


def _touch(folder: Path) -> None:
    os.utime(_victim(folder))


def _edit_keeping_mtime(folder: Path) -> None:
    path = _victim(folder)
    stat = path.stat()
    text = path.read_text()
    middle = len(text) // 3
    path.write_text(text[:middle] + _MARK + text[middle + len(_MARK) :])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _victim(folder: Path) -> Path:
    """The largest PEP: its middle is far from its ends."""
    return max(sorted(folder.glob("**/pep-*.rst")), key=lambda path: path.stat().st_size)


_EVENTS: dict[str, tuple[Callable[[Path], None], Reach | None]] = {
    "first ingest": (_nothing, None),
    "nothing changed": (_nothing, at_most(0)),
    "a line inserted in the middle": (_insert_line, None),
    "a file renamed": (_rename, at_most(0)),
    "a file copied": (_copy, at_most(0)),
    "a file touched": (_touch, at_most(0)),
    "an edit that keeps size and mtime": (_edit_keeping_mtime, None),
}


def measure(
    systems: Sequence[System], files: int, scratch: Path
) -> tuple[list[Line], list[Missing]]:
    """Count for each system what each event costs it.

    Args:
        systems: ours first.
        files: how many files of the mix.
        scratch: where folders and states may be made.
    """
    mix = scratch / "events-mix"
    corpus.make_mix(mix, files)
    counts: dict[str, dict[str, int]] = {}
    missing: list[Missing] = []
    for system in systems:
        folder, state = scratch / f"events-{system.name}", scratch / f"events-state-{system.name}"
        shutil.copytree(mix, folder)
        try:
            _count(system, folder, state, counts.setdefault(system.name, {}))
            _count_killed(system, mix, scratch / f"killed-{system.name}", counts[system.name])
        except RuntimeError as error:
            reason = str(error).splitlines()[-1][:200]
            missing.append(Missing(f"{system.name}: events after its failure", reason))
    return _lines(counts), missing


def _count(system: System, folder: Path, state: Path, counts: dict[str, int]) -> None:
    for event, (change, _) in _EVENTS.items():
        change(folder)
        counts[event] = system.update(folder, state)
        if change is _edit_keeping_mtime:
            seen = any(_MARK in text for _, text in system.chunks(state))
            counts["… and is it found afterwards (1 yes, 0 no)"] = int(seen)


def _count_killed(system: System, mix: Path, state: Path, counts: dict[str, int]) -> None:
    """Kill a first ingest half way, run it again, and count what is embedded twice."""
    texts = counts["first ingest"]
    system.die(mix, state, texts // 2)
    again = system.update(mix, state)
    counts["killed half way: embedded by the next run"] = again
    rows = system.chunks(state)
    counts["killed half way: rows that stand twice"] = len(rows) - len(set(rows))


def _lines(counts: dict[str, dict[str, int]]) -> list[Line]:
    lines = []
    for event in counts["ours"]:
        parts = {
            name: Spread.of([found[event]]) for name, found in counts.items() if event in found
        }
        reach = _EVENTS[event][1] if event in _EVENTS else None
        label = f"embedded: {event}" if event in _EVENTS else event
        note = _KILL_NOTE if event.startswith("killed") else ""
        unit = "texts" if event in _EVENTS or "embedded" in event else "count"
        lines.append(Line(label, parts["ours"], unit, "the peers", reach, parts, note))
    return lines
