"""Sets of documents with questions: judged ones, and known items of prose and of code."""

import re
import sysconfig
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from importlib.metadata import distributions
from pathlib import Path

from beast_assets.core.evaluation.beir import read_data_set
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
_MARKDOWN = re.compile(r"^#{1,4} +([^\n]{4,100})$", re.MULTILINE)
_TITLE = re.compile(r"^Title: *([^\n]*(?:\n [^\n]*)*)\n", re.MULTILINE)
_NO_PROSE = {"site-packages", "test", "tests", "idle_test", "lib2to3", "turtledemo", "encodings"}
_EACH = 2


@dataclass(frozen=True)
class QuestionSet:
    """Documents and what is asked of them.

    Attributes:
        name: of the set.
        texts: by the document's name, which tells its format.
        questions: all kinds, one after the other.
    """

    name: str
    texts: Mapping[str, str]
    questions: Sequence[Question]


def cranfield(folder: Path, questions: int) -> QuestionSet:
    """1,400 abstracts, and so many of the 225 judged questions.

    Args:
        folder: to unpack the archive in.
        questions: the first so many.

    Raises:
        FileNotFoundError: the archive is not in the folder that BEAST_CORPORA names.
    """
    with tarfile.open(peps_archive().with_name("cranfield.tar.gz")) as tar:
        tar.extractall(folder, filter="data")
    data = read_data_set(folder / "cranfield")
    texts = {f"{name}.txt": text for name, text in data.documents() if text.strip()}
    asked = list(data.queries)[:questions]
    judged = [
        Question(data.queries[each], "judged", _named(data.grades[each], texts)) for each in asked
    ]
    return QuestionSet("Cranfield", texts, judged)


def _named(grades: Mapping[str, float], texts: Mapping[str, str]) -> dict[str, float]:
    named = {f"{name}.txt": grade for name, grade in grades.items()}
    return {name: grade for name, grade in named.items() if name in texts}


def peps(documents: int) -> QuestionSet:
    """PEPs of 3 to 25 kB, spread over their numbers; titles are in no text."""
    with tarfile.open(peps_archive()) as tar:
        members = {each.name: each for each in tar if fnmatch(each.name, "*/pep-*.rst")}
        read = {Path(name).name: _text(tar, members[name]) for name in sorted(members)}
    chosen = _spread(_fitting(read, 3_000, 25_000), documents)
    titles = {n: " ".join(t[1].split()) for n, text in chosen.items() if (t := _TITLE.search(text))}
    texts = {name: _TITLE.sub("", text, count=1) for name, text in chosen.items()}
    return prose("PEPs", texts, titles, _RST)


def standard_library(documents: int) -> QuestionSet:
    """Modules, of 3 to 20 kB, of the standard library of the Python that runs this."""
    folder = Path(sysconfig.get_path("stdlib"))
    paths = (path.relative_to(folder) for path in sorted(folder.rglob("*.py")))
    wanted = [path for path in paths if _NO_PROSE.isdisjoint(path.parts)]
    files = {path.as_posix(): (folder / path).read_text("utf-8", "replace") for path in wanted}
    texts, questions = code_questions(_spread(_fitting(files, 3_000, 20_000), documents), _EACH)
    return QuestionSet("standard library", texts, questions)


def descriptions(documents: int) -> QuestionSet:
    """What the installed packages say of themselves; a summary asks for its package."""
    found = {f"{name}.md": (summary, text) for name, summary, text in sorted(_descriptions())}
    texts = _spread({name: text for name, (_, text) in found.items()}, documents)
    return prose("packages", texts, {name: found[name][0] for name in texts}, _MARKDOWN)


def prose(
    name: str, texts: Mapping[str, str], titles: Mapping[str, str], headings: re.Pattern[str]
) -> QuestionSet:
    """Every kind of question that prose with headings gives.

    Args:
        name: of the set.
        texts: by document.
        titles: of the documents, which are not in the texts.
        headings: the first group of a match is a heading's text.
    """
    questions = [
        *known_items("half a sentence", texts, keywords, _EACH),
        *known_items("fragment", texts, fragments(texts), _EACH),
        *known_items("rare words", texts, rare_words(texts), _EACH),
        *known_items("section", texts, sections(texts, headings), _EACH),
        *titled("title", titles),
    ]
    return QuestionSet(name, texts, questions)


def _descriptions() -> Iterator[tuple[str, str, str]]:
    for found in distributions():
        said = found.metadata.json
        text, summary = str(said.get("description", "")), str(said.get("summary", ""))
        if len(summary.split()) >= 3 and 800 <= len(text) <= 40_000:
            yield str(said["name"]).lower(), summary, text


def _fitting(texts: Mapping[str, str], least: int, most: int) -> dict[str, str]:
    return {name: text for name, text in texts.items() if least <= len(text) <= most}


def _spread(texts: Mapping[str, str], count: int) -> dict[str, str]:
    """So many of them, at equal distances."""
    names, step = list(texts), max(1.0, len(texts) / count)
    chosen = [names[int(at * step)] for at in range(min(count, len(names)))]
    return {name: texts[name] for name in chosen}


def _text(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    found = tar.extractfile(member)
    return found.read().decode("utf-8", "replace") if found else ""
