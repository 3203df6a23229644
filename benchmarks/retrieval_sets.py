"""Sets of documents with questions: judged ones, and known items of prose and code."""

import csv
import io
import json
import re
import sysconfig
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib.metadata import distributions
from pathlib import Path

from benchmarks.code_questions import code_questions
from benchmarks.corpus import peps_archive
from benchmarks.questions import (
    Question,
    fragments,
    keywords,
    known_items,
    rare_words,
    sections,
    titled,
)

_RST = re.compile(r"^(?=\S)([^\n]{4,100})\n([=\-~^'\"])\2{3,}$", re.MULTILINE)
_MARKDOWN = re.compile(r"^(?:#{1,4} +([^\n]{4,100}))$", re.MULTILINE)
_TITLE = re.compile(r"^Title: *([^\n]*(?:\n [^\n]*)*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Set_:
    """Documents, by a name that tells their format, and what is asked of them."""

    name: str
    texts: Mapping[str, str]
    questions: Sequence[Question]


def cranfield(archive: Path, documents: int) -> Set_:
    """1,400 abstracts and 225 judged questions."""
    with tarfile.open(archive) as tar:
        rows = [json.loads(line) for line in _member(tar, "cranfield/corpus.jsonl").splitlines()]
        asked = [json.loads(line) for line in _member(tar, "cranfield/queries.jsonl").splitlines()]
        judged = list(csv.reader(io.StringIO(_member(tar, "cranfield/qrels/test.tsv")), "excel-tab"))
    texts = {row["_id"]: row["text"] for row in rows[:documents]}
    grades: dict[str, dict[str, float]] = defaultdict(dict)
    for query, document, grade in judged[1:]:
        if document in texts:
            grades[query][document] = float(grade)
    questions = [
        Question(each["text"], "judged", grades[each["_id"]])
        for each in asked
        if grades[each["_id"]]
    ]
    return Set_("Cranfield", texts, questions)


def peps(documents: int) -> Set_:
    """PEPs of 3 to 25 kB, spread over their numbers; titles are in no text."""
    with tarfile.open(peps_archive()) as tar:
        names = sorted(each.name for each in tar.getmembers() if fnmatch(each.name, "*/pep-*.rst"))
        read = {Path(name).name: _member(tar, name) for name in names}
    fit = {name: text for name, text in read.items() if 3_000 <= len(text) <= 25_000}
    chosen = _spread(fit, documents)
    titles = {n: " ".join(t[1].split()) for n, text in chosen.items() if (t := _TITLE.search(text))}
    texts = {name: _TITLE.sub("", text, count=1) for name, text in chosen.items()}
    return prose("PEPs", texts, titles, _RST)


def prose(name: str, texts: Mapping[str, str], titles: Mapping[str, str], headings: re.Pattern[str]) -> Set_:
    """Every kind of question that prose with headings gives."""
    questions = [
        *known_items("keywords", texts, keywords, 2),
        *known_items("fragment", texts, fragments(texts), 2),
        *known_items("rare words", texts, rare_words(texts), 2),
        *known_items("section", texts, sections(texts, headings), 2),
        *titled("title", titles),
    ]
    return Set_(name, texts, questions)


def standard_library(documents: int) -> Set_:
    """Modules of the standard library of the Python that runs this, of 3 to 20 kB."""
    folder = Path(sysconfig.get_paths()["stdlib"])
    left_out = {"site-packages", "test", "tests", "idle_test", "lib2to3", "turtledemo", "encodings"}
    files = {
        path.relative_to(folder).as_posix(): path.read_text("utf-8", "replace")
        for path in sorted(folder.rglob("*.py"))
        if left_out.isdisjoint(path.relative_to(folder).parts)
    }
    fit = {name: text for name, text in files.items() if 3_000 <= len(text) <= 20_000}
    texts, questions = code_questions(_spread(fit, documents), 2)
    return Set_("standard library", texts, questions)


def descriptions(documents: int) -> Set_:
    """What the installed packages say of themselves; a summary asks for its package."""
    texts, titles = {}, {}
    for name, summary, text in sorted(_descriptions()):
        texts[f"{name}.md"], titles[f"{name}.md"] = text, summary
    texts = _spread(texts, documents)
    return prose("packages", texts, {name: titles[name] for name in texts}, _MARKDOWN)


def _descriptions() -> Iterator[tuple[str, str, str]]:
    for found in distributions():
        text = str(found.metadata.get_payload() or found.metadata.get("Description") or "")
        summary = str(found.metadata.get("Summary") or "")
        if len(summary.split()) >= 3 and 800 <= len(text) <= 40_000:
            yield str(found.metadata["Name"]).lower(), summary, text


def _spread(texts: Mapping[str, str], count: int) -> dict[str, str]:
    """So many of them, at equal distances."""
    names = list(texts)
    step = max(1.0, len(names) / count)
    return {name: texts[name] for name in (names[int(at * step)] for at in range(min(count, len(names))))}


def _member(tar: tarfile.TarFile, name: str) -> str:
    found = tar.extractfile(name)
    if found is None:
        raise FileNotFoundError(name)
    return found.read().decode("utf-8", "replace")
