"""Hashing compared: one file after the other by openssl and sha256sum, and ours.

    python tools/performance_test.py            files of 1, 10, 50 MB and 1 GB
    python tools/performance_test.py --quick    1 and 2 MB

Times are medians with least and most, the programs taking turns. Peak memory is measured on
processes of their own: that of a Python that only imports is shown beside ours.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import click  # noqa: E402

from beast_assets.core.hashing import hash_file, hash_many  # noqa: E402
from benchmarks.harness import Paired, Spread, output_of, paired  # noqa: E402
from benchmarks.hash import HASH_PROGRAM, IMPORT_PROGRAM, OPENSSL, make_file  # noqa: E402
from benchmarks.machine import describe_machine  # noqa: E402
from benchmarks.memory import command_peak, python_peak  # noqa: E402

_MB = 1_000_000
_FULL, _QUICK = (1, 10, 50, 1_000), (1, 2)
_HEADINGS = ("size, MB", "program", "seconds", "MB/s", "times openssl", "peak memory, MiB")


@click.command()
@click.option("--quick", is_flag=True, help="Small files only.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(3))
def main(quick: bool, rounds: int) -> None:
    """Compare the ways to hash a file, and print a table."""
    machine = describe_machine()
    click.echo(f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_1m']}")
    click.echo(f"{machine['system']}, Python {machine['python']}, {machine['openssl']}\n")
    rows: list[tuple[str, ...]] = [_HEADINGS]
    with tempfile.TemporaryDirectory() as folder:
        for size in _QUICK if quick else _FULL:
            rows += compare(Path(folder), size, rounds)
    print_table(rows)
    importing = python_peak(IMPORT_PROGRAM) / 2**20
    click.echo(f"\na Python that imports the module and ends: {importing:.1f} MiB")


def compare(folder: Path, megabytes: int, rounds: int) -> list[tuple[str, ...]]:
    """Rows of the table for two files of one size."""
    pair = [make_file(folder / name, megabytes * _MB) for name in ("one", "two")]
    one = pair[0]
    works: dict[str, Callable[[], object]] = {}
    for words in _others():
        works[words[0]] = partial(output_of, [*words, one])
        works[f"{words[0]}, two files"] = partial(output_of, [*words, *pair])
    works["ours"] = lambda: hash_file(one)
    works["ours, two files"] = lambda: hash_many(pair, 2)
    took = paired(works, rounds)
    peaks = {words[0]: command_peak([*words, one]) for words in _others()}
    peaks["ours"] = python_peak(HASH_PROGRAM, one)
    return [_row(name, megabytes, took, peaks) for name in works]


def _others() -> list[Sequence[str]]:
    return [words for words in (OPENSSL, ("sha256sum",)) if shutil.which(words[0])]


def _row(
    name: str, megabytes: int, took: Paired, peaks: Mapping[str, int | None]
) -> tuple[str, ...]:
    several = name.endswith("two files")
    rate = Spread.of([megabytes * (1 + several) / value for value in took.values[name]])
    base = "openssl, two files" if several else "openssl"
    ratio = str(took.ratio(base, name)) if base in took.values else "-"
    peak = peaks.get(name)
    memory = f"{peak / 2**20:.1f}" if peak else "-"
    return str(megabytes), name, str(took.spread(name)), f"{rate.median:,.0f}", ratio, memory


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows as columns; the first row is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = zip(row, widths, strict=True)
        click.echo("  ".join(cell.ljust(width) for cell, width in cells).rstrip())
        if number == 0:
            click.echo("  ".join("-" * width for width in widths))


if __name__ == "__main__":
    main()
