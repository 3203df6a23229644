"""What Dagster costs: a run that materializes every bucket, with the work taken out."""

import shutil
from dataclasses import replace
from pathlib import Path

from beast_assets.core.ids import bucket_keys
from beast_assets.core.pipeline import run_index
from beast_assets.core.session import Request
from beast_assets.core.settings import Settings
from benchmarks.harness import (
    Line,
    Options,
    Result,
    Spread,
    at_most,
    paired,
    paired_values,
    seconds,
)
from benchmarks.homes import beast, make_tree, settings_for, settle

_FILES = 200  # every one of 16 buckets has some


def run(options: Options) -> Result:
    """The engine alone, the same run through Dagster, and the whole command."""
    root = make_tree(options.folder / "tree", _FILES)
    settle()
    lines = [_own_cost(options, root), *_commands(options, root)]
    setup = {"files": _FILES, "buckets": settings_for(options.folder / "x").buckets}
    return Result("dagster", "What Dagster adds to a run", lines, setup=setup)


def _own_cost(options: Options, root: Path) -> Line:
    from beast_assets.defs.launch import index_in_process

    plain = _fresh(options.folder, "engine", root)
    with_dagster = _fresh(options.folder, "dagster", root)
    buckets = bucket_keys(plain.buckets)

    def through_dagster() -> None:
        launched = index_in_process(with_dagster, buckets, rebuild=True)
        if launched.error is not None:
            raise RuntimeError(launched.error)

    def engine() -> None:
        run_index(plain, Request(rebuild=True), run_id="benchmark")

    took = paired({"engine": engine, "through Dagster": through_dagster}, options.rounds)
    pairs = zip(took.cpu["through Dagster"], took.cpu["engine"], strict=True)
    cpu = Spread.of([a - b for a, b in pairs])
    pairs = zip(took.values["through Dagster"], took.values["engine"], strict=True)
    return Line(
        f"Dagster's own cost, {len(buckets)} buckets of 4 assets materialized, work excluded",
        Spread.of([a - b for a, b in pairs]),
        "s",
        "the engine alone on the same files",
        at_most(2.0),
        took.parts() | {"Dagster alone, CPU s": cpu},
        "Dagster is imported by then: its import is in the command's time",
    )


def _fresh(folder: Path, name: str, root: Path) -> Settings:
    from beast_assets.core.home import prepare_home
    from beast_assets.core.ledger import Ledger
    from beast_assets.core.roots import register_roots

    settings = settings_for(folder / name)
    prepare_home(settings)
    register_roots(Ledger.open(settings.ledger_url), [bytes(root)], settings.home)
    return replace(settings, roots=())


def _commands(options: Options, root: Path) -> list[Line]:
    def first() -> float:
        shutil.rmtree(options.folder / "command", ignore_errors=True)
        return seconds(lambda: beast(options.folder / "command", "index", root))

    def nothing() -> float:
        return seconds(lambda: beast(options.folder / "command", "index"))

    took = paired_values({"first": first, "nothing": nothing}, options.rounds)
    label = f"`beast index`, {_FILES} one-line files, whole process"
    return [
        Line(f"{label}: first time", took.spread("first"), "s"),
        Line(f"{label}: nothing changed (no Dagster)", took.spread("nothing"), "s"),
    ]
