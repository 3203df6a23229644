"""``python -m benchmarks [NAME]... [--json] [--plot]``: what ``beast bench`` runs."""

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.harness import Line, Missing, Options, Result
from benchmarks.machine import describe_machine
from benchmarks.record import record
from benchmarks.registry import NAMES, available, load

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "img"


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*NAMES, "all"]))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object as the last line.")
@click.option("--plot", is_flag=True, help=f"Draw each into {PICTURES.parent.name}/img.")
@click.option("--record", "recorded", is_flag=True, help="Put the figures into the docs.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(3), help="Turns.")
@click.option("--quick", is_flag=True, help="Tiny sizes; the figures mean nothing.")
@click.option("--size", "sizes", multiple=True, metavar="NAME=N", help="Another size.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Where to put test files.")
def main(
    names: Sequence[str],
    as_json: bool,
    plot: bool,
    recorded: bool,
    rounds: int,
    quick: bool,
    sizes: Sequence[str],
    scratch: Path | None,
) -> None:
    """Measure, against what one would use otherwise."""
    os.environ.setdefault("LANCEDB_LOG", "error")  # warnings about its own deprecations
    chosen = available() if not names or "all" in names else list(names)
    results = []
    machine = describe_machine()
    for name in chosen:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=scratch) as folder:
            result = _run(name, Options(Path(folder), rounds, quick, _sizes(sizes)))
        results.append(result)
        click.echo("\n".join(_lines(result)), err=as_json)
        if plot and result.lines:
            from benchmarks.plots import draw

            picture = draw(result.to_dict(), machine, PICTURES)
            click.echo(f"  {picture.relative_to(PICTURES.parent.parent)}", err=as_json)
        if recorded:
            record(result.to_dict(), machine)
    if as_json:
        answer = {"machine": machine, "results": [result.to_dict() for result in results]}
        click.echo(json.dumps(answer))
    sys.exit(int(any(not result.lines for result in results)))


def _run(name: str, options: Options) -> Result:
    try:
        return load(name).run(options)
    except LookupError as error:
        return Result(name, name, [], [Missing(name, str(error))])


def _sizes(words: Sequence[str]) -> dict[str, int]:
    try:
        return {name: int(size) for name, size in (word.split("=") for word in words)}
    except ValueError as error:
        raise click.UsageError("a size is a name and a number, as in rows=1000") from error


def _lines(result: Result) -> Iterator[str]:
    yield f"{result.name}: {result.title}"
    for line in result.lines:
        yield f"  {describe(line)}"
    for missing in result.missing:
        yield f"  {missing.label}: not measured: {missing.reason}"


def describe(line: Line) -> str:
    """A figure in one line, for people."""
    words = [f"{line.label}: {line.value}{'' if line.unit == '×' else ' '}{line.unit}"]
    if line.against:
        words.append(f"against {line.against}")
    if line.parts:
        words.append(f"[{'; '.join(f'{name} {part}' for name, part in line.parts.items())}]")
    if line.reach is not None:
        verdict = "reached" if line.met else "NOT reached"
        words.append(f"— {line.reach.kind} {_number(line.reach.value)}: {verdict}")
    return " ".join(words)


def _number(value: Any) -> str:
    return f"{value:g}"


if __name__ == "__main__":
    main()
