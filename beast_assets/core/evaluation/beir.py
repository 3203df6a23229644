"""Data sets in the layout of BEIR: documents, queries, and who answers whom.

``corpus.jsonl`` has ``_id``, ``title`` and ``text`` on each line, ``queries.jsonl`` ``_id`` and
``text``; ``qrels/NAME.tsv`` has the columns ``query-id``, ``corpus-id`` and ``score``.
"""

import csv
import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beast_assets.core.errors import UsageError

_COLUMNS = ["query-id", "corpus-id", "score"]


@dataclass(frozen=True)
class DataSet:
    """A data set; its documents stay on the disk.

    Attributes:
        folder: where it lies.
        split: the name of the judgements.
        digest: SHA-256 of ``corpus.jsonl``.
        queries: id → question, of those with judgements.
        grades: id of a query → id of a document → grade.
    """

    folder: Path
    split: str
    digest: str
    queries: dict[str, str]
    grades: dict[str, dict[str, float]]

    def documents(self) -> Iterator[tuple[str, str]]:
        """Id and text of each document, title first, as BEIR's own models read them.

        Raises:
            UsageError: a line is not a document, or an id comes twice.
        """
        for name, record in _records(self.folder / "corpus.jsonl"):
            parts = (_text(record, "title"), _text(record, "text"))
            yield name, "\n".join(part for part in parts if part.strip())


def read_data_set(folder: Path, split: str | None = None) -> DataSet:
    """Read queries and judgements.

    Args:
        folder: with ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/``.
        split: which judgements; by default ``test``, or the only ones.

    Raises:
        UsageError: something is missing or not as the layout has it.
    """
    for name in ("corpus.jsonl", "queries.jsonl", "qrels"):
        if not (folder / name).exists():
            raise UsageError(f"{folder} has no {name}: name a data set in the layout of BEIR")
    path = _judgements(folder / "qrels", split)
    grades = _grades(path)
    records = _records(folder / "queries.jsonl")
    queries = {name: _text(record, "text") for name, record in records if name in grades}
    if not queries:
        raise UsageError(f"no query of {folder / 'queries.jsonl'} is judged in {path}")
    with (folder / "corpus.jsonl").open("rb") as corpus:
        digest = hashlib.file_digest(corpus, "sha256").hexdigest()
    return DataSet(folder, path.stem, digest, queries, grades)


def _judgements(folder: Path, split: str | None) -> Path:
    found = {path.stem: path for path in sorted(folder.glob("*.tsv"))}
    wanted = split or ("test" if len(found) != 1 else next(iter(found)))
    if wanted not in found:
        there = ", ".join(found) or "none"
        raise UsageError(f"{folder} has no {wanted}.tsv (it has: {there}): name one with --split")
    return found[wanted]


def _grades(path: Path) -> dict[str, dict[str, float]]:
    grades: dict[str, dict[str, float]] = defaultdict(dict)
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, delimiter="\t")
            if next(rows, None) != _COLUMNS:
                raise ValueError(f"the first line is not {' '.join(_COLUMNS)}, with tabs")
            for query, document, score in filter(None, rows):
                grades[query][document] = _finite(score)
    except (ValueError, csv.Error) as error:
        raise UsageError(f"{path} is no file of judgements: {error}") from error
    return dict(grades)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no score")
    return number


def _records(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    seen = set()
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
                name = str(record["_id"])
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                raise UsageError(f"{path}, line {number}: no object with an _id") from error
            if name in seen:
                raise UsageError(f"{path}, line {number}: the _id {name!r} comes twice")
            seen.add(name)
            yield name, record


def _text(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""
