"""Runs the matrix, or a sample of it, and prints its figures."""

import json
import os
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from beast_assets_tests.faults import children
from beast_assets_tests.faults.cases import Case, Outcome, run_all
from beast_assets_tests.faults.damage import damage
from beast_assets_tests.faults.errors import errors
from beast_assets_tests.faults.kills import kills, kills_of_commands
from beast_assets_tests.faults.pairs import pairs
from beast_assets_tests.faults.scenes import Scene, prepare

PARTS = ("kills", "errors", "pairs", "damage")


def matrix(scene: Scene, quick: bool) -> list[Case]:
    """All cases, or the sample that is run with every change."""
    if not quick:
        ours = [*kills(scene), *kills_of_commands(scene, 10)]
        return [*ours, *errors(scene), *pairs(), *damage()]
    return [*kills(scene, 40), *errors(scene, 23), *pairs(8), *damage(12)]


def figures(outcomes: Sequence[Outcome]) -> dict[str, dict[str, float]]:
    """Number of cases, of those that failed, and seconds a case, by part."""
    table: dict[str, dict[str, float]] = {}
    for part in PARTS:
        of_part = [outcome for outcome in outcomes if outcome.part == part]
        if of_part:
            table[part] = {
                "cases": len(of_part),
                "failed": sum(1 for outcome in of_part if outcome.problems),
                "seconds_each": round(sum(o.seconds for o in of_part) / len(of_part), 2),
            }
    return table


@click.command()
@click.option("--quick", is_flag=True, help="A sample, in less than half a minute.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
@click.option("--only", default="", help="Cases whose part or name contains this.")
def main(quick: bool, as_json: bool, only: str) -> None:
    """Run the fault matrix; exit code 1 where a case failed."""
    for name in [name for name in os.environ if name.startswith(("BEAST_", "DAGSTER_"))]:
        del os.environ[name]
    children.import_everything()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        scene = prepare(Path(folder).resolve() / "scene")
        cases = [c for c in matrix(scene, quick) if only in c.part or only in c.name]
        outcomes = run_all(cases, scene)
    table = figures(outcomes)
    failed = {f"{o.part}: {o.name}": o.problems for o in outcomes if o.problems}
    for name, problems in failed.items():
        click.echo(f"FAILED {name}\n  " + "\n  ".join(problems))
    for part, row in table.items():
        counts = f"{row['cases']:4} cases, {row['failed']} failed"
        click.echo(f"{part:8} {counts}, {row['seconds_each']} s each")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    times = {
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
    }
    click.echo(f"{times['seconds']} s in all, {times['cpu_seconds']} s of processors")
    if as_json:
        click.echo(json.dumps({"parts": table, "failed": failed, **times}))
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()
