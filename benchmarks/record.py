"""Put measured figures into docs/PERFORMANCE.md, so that nobody copies them by hand.

The page has a place for each benchmark, between ``<!-- figures: NAME -->`` and ``<!-- end -->``.
``python -m benchmarks.record FILE`` takes what ``python -m benchmarks --json`` printed.
"""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.harness import Spread
from benchmarks.plots import draw

PAGE = Path(__file__).resolve().parent.parent / "docs" / "PERFORMANCE.md"


def record(result: Mapping[str, Any], machine: Mapping[str, Any], page: Path = PAGE) -> None:
    """Put a result (``Result.to_dict``) in its place.

    Raises:
        LookupError: the page has no place for it.
    """
    name = result["name"]
    place = re.compile(rf"(<!-- figures: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    text = page.read_text(encoding="utf-8")
    if not place.search(text):
        raise LookupError(f"{page} has no place for {name}: add <!-- figures: {name} --> to it")
    table = render(result, machine)
    if (page.parent / "img" / f"{name}.png").exists():
        table += f"\n![{result['title']}](img/{name}.png)\n"
    page.write_text(place.sub(lambda found: found[1] + table + found[2], text), encoding="utf-8")


def render(result: Mapping[str, Any], machine: Mapping[str, Any]) -> str:
    """A result as a table in Markdown."""
    rows = ["| measured | figure | against | to reach |", "|---|---|---|---|"]
    rows += [_row(line) for line in result["lines"]]
    rows += [
        f"| {each['label']} | not measured: {each['reason']} | | |" for each in result["missing"]
    ]
    details = [
        f"  - {line['label']}: {_parts(line)}"
        for line in result["lines"]
        if line["parts"] and not _counts(line)
    ]
    notes = [f"  - {line['label']}: {line['note']}" for line in result["lines"] if line["note"]]
    where = (
        f"*{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB,"
        f" {machine['system']}, Python {machine['python']}; {machine['at'][:10]}, load"
        f" {machine['load_1m']} before the start; commit {machine['commit']}.*"
    )
    blocks = ["\n".join(rows), where]
    if details or notes:
        unique = list(dict.fromkeys([*details, *notes]))
        blocks.append("\n".join(["<details><summary>What they are made of</summary>", "", *unique]))
        blocks[-1] += "\n\n</details>"
    return "\n\n".join(blocks) + "\n"


def _counts(line: Mapping[str, Any]) -> bool:
    return line["unit"] in ("texts", "count") and bool(line["parts"])


def _row(line: Mapping[str, Any]) -> str:
    unit = "×" if line["unit"] == "×" else f" {line['unit']}"
    figure = _parts(line) if _counts(line) else f"{Spread(**line['value'])}{unit}"
    reach = ""
    if line["reach"]:
        verdict = "reached" if line["met"] else "**not reached**"
        reach = f"{line['reach']['kind']} {line['reach']['value']:g}: {verdict}"
    return f"| {line['label']} | {figure} | {line['against']} | {reach} |"


def _parts(line: Mapping[str, Any]) -> str:
    return "; ".join(f"{name} {Spread(**part)}" for name, part in line["parts"].items())


def main() -> None:
    """Draw and record every result of the files named on the command line."""
    for name in sys.argv[1:]:
        found = json.loads(Path(name).read_text().splitlines()[-1])
        for result in found["results"]:
            draw(result, found["machine"], PAGE.parent / "img")
            record(result, found["machine"])
            print(result["name"])


if __name__ == "__main__":
    main()
