"""What an edit costs: characters that have to be embedded again, by chunker.

``python -m benchmarks.edits [--json] [--folders OLD NEW]…``

For each edit both texts are cut. What counts is the length of all chunks of the new text whose text
is not among the chunks of the old one, over all edits, divided by the length of all new texts.
"""

import argparse
import gzip
import json
import os
import random
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from beast_assets.core.chunking import VERSIONS, chunk_text

_DEFAULT_CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
_CODE_FILES = 200
_CODE_EDITS = 4
_SHORTEST, _LONGEST = 2_000, 200_000


class Edit(NamedTuple):
    """A document before and after."""

    path: str
    old: str
    new: str


class Cost(NamedTuple):
    """What a chunker makes of a corpus; sizes in characters.

    Attributes:
        ratio: new characters embedded per character of the documents.
        chunks: of the new texts.
        mean: size of these chunks.
        longest: of these chunks.
    """

    ratio: float
    chunks: int
    mean: float
    longest: int


def measure(edits: Iterable[Edit], chunker: str) -> Cost:
    """Cut all texts of a corpus with a chunker, with the default model's token budget."""
    sizes: list[int] = []
    changed = size = 0
    for edit in edits:
        old = {c.text for c in chunk_text(edit.old, path=edit.path, chunker=chunker)}
        new = [c.text for c in chunk_text(edit.new, path=edit.path, chunker=chunker)]
        changed += sum(len(text) for text in new if text not in old)
        size += len(edit.new)
        sizes += map(len, new)
    return Cost(changed / size, len(sizes), sum(sizes) / len(sizes), max(sizes))


def peps() -> Iterator[Edit]:
    """The 250 real edits of PEPs in the folder that BEAST_CORPORA names."""
    folder = Path(os.environ.get("BEAST_CORPORA", _DEFAULT_CORPORA))
    with gzip.open(folder / "peps_edits.jsonl.gz", "rt", encoding="utf-8") as lines:
        for edit in map(json.loads, lines):
            yield Edit(edit["path"], edit["old"], edit["new"])


def standard_library() -> Iterator[Edit]:
    """Made-up edits of this Python's own modules: a few runs of lines each, from a fixed seed."""
    chance = random.Random(0)  # noqa: S311 - not a secret
    found = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    fitting = [path for path in found if _SHORTEST <= path.stat().st_size <= _LONGEST]
    for path in fitting[:_CODE_FILES]:
        text = path.read_bytes().decode("utf-8", "replace")
        yield Edit(path.name, text, _edited(text, chance))


def _edited(text: str, chance: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    for _ in range(_CODE_EDITS):
        place, source = chance.randrange(len(lines)), chance.randrange(len(lines))
        removed, added = chance.choice([(0, 1), (1, 0), (1, 1), (0, 5), (3, 3), (8, 2)])
        lines[place : place + removed] = lines[source : source + added]
    return "".join(lines)


def folders(old: Path, new: Path) -> Iterator[Edit]:
    """The texts that differ between two versions of a folder, such as unpacked releases."""
    for path in sorted(path for path in new.rglob("*") if path.is_file()):
        before = old / path.relative_to(new)
        try:
            edit = Edit(path.name, before.read_bytes().decode(), path.read_bytes().decode())
        except (OSError, UnicodeDecodeError):
            continue
        if edit.old != edit.new and edit.new.strip():
            yield edit


def main() -> None:
    """Print the costs as a table or as JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.edits", description="What an edit costs.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--folders", nargs=2, type=Path, action="append", default=[], metavar=("OLD", "NEW")
    )
    options = parser.parse_args()
    corpora = {"peps": list(peps()), "standard library": list(standard_library())}
    for old, new in options.folders:
        corpora[new.name] = list(folders(old, new))
    costs = {name: {c: measure(edits, c) for c in VERSIONS} for name, edits in corpora.items()}
    if options.json:
        rows = {n: {c: cost._asdict() for c, cost in each.items()} for n, each in costs.items()}
        print(json.dumps(rows, indent=2))
        return
    for name, each in costs.items():
        for chunker, cost in each.items():
            print(
                f"{name:20} {chunker:8} new/document {cost.ratio:.3f}  chunks {cost.chunks:6}"
                f"  mean {cost.mean:4.0f}  longest {cost.longest}"
            )


if __name__ == "__main__":
    main()
