"""What an edit costs: characters that have to be embedded again, by chunker.

For each edit both texts are cut. What counts is the length of all chunks of the new text whose text
is not among the chunks of the old one, over all edits, divided by the length of all new texts.
"""

import gzip
import json
import os
import random
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from beast_assets.core.chunking import VERSIONS, chunk_text
from benchmarks.harness import Line, Missing, Options, Result, Spread, at_most

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


def run(options: Options) -> Result:
    """Cut both corpora with both chunkers; no clock is involved, so one round tells."""
    lines, missing = [], []
    for name, edits, reach in (("peps", peps, at_most(0.145)), ("code", standard_library, None)):
        try:
            found = list(edits())[: options.size("edits", 1_000, 5)]
        except OSError as error:
            missing.append(Missing(name, f"{error}: set BEAST_CORPORA"))
            continue
        costs = {chunker: measure(found, chunker) for chunker in VERSIONS}
        for chunker, cost in costs.items():
            parts = {
                "chunks": Spread.of([cost.chunks]),
                "mean, characters": Spread.of([cost.mean]),
                "longest, characters": Spread.of([cost.longest]),
            }
            wanted = reach if chunker == "content" and not options.quick else None
            value = Spread.of([cost.ratio])
            label = f"{name}, {chunker}: new characters embedded"
            lines.append(Line(label, value, "×", "the documents' characters", wanted, parts))
    return Result("edits", "What an edit costs", lines, missing)
