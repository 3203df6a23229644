"""Ingestion: the first one against the peers', and what each embeds again after a change."""

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import corpus, events, peers_process
from benchmarks.coverage import Coverage, coverage
from benchmarks.harness import Line, Missing, Options, Result, Spread, at_least, at_most
from benchmarks.memory import Cost
from benchmarks.systems import Ours, Peer, System

_ROUNDS = 3  # a round takes minutes
_MIB = 2**20


def run(options: Options) -> Result:
    """Sizes: ``files`` of the mix (0 leaves the first ingest out) and ``event_files``."""
    title = "Ingestion of PEPs and standard-library modules"
    reason = corpus.absent()
    if reason is not None:
        return Result("ingest", title, [], [Missing("all of it", reason)])
    files = options.size("files", 300, 6)
    few = options.size("event_files", 60, 4)
    systems, missing = available_systems()
    lines: list[Line] = []
    setup: dict[str, object] = {"files": files, "event_files": few}
    if files:
        mix = options.folder / "mix"
        setup["mix_sha256"] = corpus.make_mix(mix, files)
        setup["mix_bytes"] = sum(path.stat().st_size for path in mix.rglob("*") if path.is_file())
        lines += _first(mix, systems, options, setup)
    if few:
        found, more = events.measure(systems, few, options.folder)
        lines += found
        missing += more
    return Result("ingest", title, lines, missing, setup)


def available_systems() -> tuple[list[System], list[Missing]]:
    """Ours and the peers that are installed, and why the others are not here."""
    systems: list[System] = [Ours()]
    missing = []
    for name in peers_process.PEERS:
        reason = peers_process.absent(name)
        if reason is None:
            systems.append(Peer(name))
        else:
            missing.append(Missing(name, reason))
    return systems, missing


def _first(
    mix: Path, systems: Sequence[System], options: Options, setup: dict[str, object]
) -> list[Line]:
    costs: dict[str, list[Cost]] = {system.name: [] for system in systems}
    covered: dict[str, Coverage] = {}
    rounds = options.sizes.get("rounds", _ROUNDS)
    for number in range(rounds):
        for system in systems if number % 2 == 0 else list(reversed(systems)):
            state = options.folder / f"state-{system.name}"
            shutil.rmtree(state, ignore_errors=True)
            costs[system.name].append(system.first(mix, state))
            covered.setdefault(system.name, coverage(mix, system.chunks(state)))
    setup["finished"] = time.strftime("%H:%M")
    return [*_speed(costs, covered), *_covered(covered), *_footprint(costs)]


def _speed(costs: dict[str, list[Cost]], covered: dict[str, Coverage]) -> list[Line]:
    wall = _spreads(costs, lambda cost: cost.seconds)
    cpu = _spreads(costs, lambda cost: cost.cpu_seconds)
    parts = {f"{name}, s": spread for name, spread in wall.items()}
    parts |= {f"{name}, CPU s": spread for name, spread in cpu.items()}
    peers = [name for name in costs if name != "ours"]
    lines = [Line("first ingest, whole process", wall["ours"], "s")]
    for name in peers:
        pairs = list(zip(costs[name], costs["ours"], strict=True))
        ratio = Spread.of([theirs.seconds / ours.seconds for theirs, ours in pairs])
        best = wall[name].median == min(wall[each].median for each in peers)
        reach = at_least(2.2) if best else None
        tokens = covered[name].tokens / max(1, covered["ours"].tokens)
        note = f"{name} gives the model {tokens:.2f} of the tokens that we do"
        label = "first ingest, whole process"
        lines.append(Line(label, ratio, "×", name, reach, parts, note))
    return lines


def _spreads(costs: dict[str, list[Cost]], value: Callable[[Cost], float]) -> dict[str, Spread]:
    return {name: Spread.of([value(cost) for cost in found]) for name, found in costs.items()}


def _covered(covered: dict[str, Coverage]) -> list[Line]:
    percent = {f"{name}, %": Spread.of([found.percent]) for name, found in covered.items()}
    chunks = {f"{name}, chunks": Spread.of([found.chunks]) for name, found in covered.items()}
    tokens = {f"{name}, tokens": Spread.of([found.tokens]) for name, found in covered.items()}
    ours = percent["ours, %"]
    label = "characters that lie in a vector"
    return [Line(label, ours, "%", reach=at_least(100), parts=percent | chunks | tokens)]


def _footprint(costs: dict[str, list[Cost]]) -> list[Line]:
    peaks = {
        f"{name}, MiB": Spread.of([(cost.peak_bytes or 0) / _MIB for cost in found])
        for name, found in costs.items()
        if all(cost.peak_bytes for cost in found)
    }
    if "ours, MiB" not in peaks:
        return []
    ours = peaks["ours, MiB"]
    return [Line("first ingest, peak memory", ours, "MiB", reach=at_most(667.6), parts=peaks)]
