"""Questions about Python code whose answer is known."""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from benchmarks.questions import Question

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_+|\.")


class Definition(NamedTuple):
    """A function or class: its name with that of its class, and its first characters.

    ``said`` is the first sentence of its docstring, empty where it has none of at least five words.
    """

    document: str
    name: str
    start: int
    end: int
    said: str
    said_at: int


def definitions(document: str, text: str) -> list[Definition]:
    """All of them, in the order of the text; none where it is no Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return []
    offsets = [0]
    for line in text.split("\n"):  # as the parser counts them
        offsets.append(offsets[-1] + len(line) + 1)
    return list(_within(document, text, tree, "", offsets))


def _within(
    document: str, text: str, tree: ast.AST, above: str, offsets: list[int]
) -> Iterator[Definition]:
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        start, end = offsets[node.lineno - 1], offsets[node.end_lineno or node.lineno]
        said = ((ast.get_docstring(node) or "").split("\n\n")[0]).split(". ")[0].strip()
        at = text.find(said, start, end) if said and len(said.split()) >= 5 else -1
        yield Definition(document, above + node.name, start, end, said if at >= 0 else "", at)
        yield from _within(document, text, node, f"{above}{node.name}.", offsets)


def code_questions(texts: Mapping[str, str], each: int) -> tuple[dict[str, str], list[Question]]:
    """Questions about definitions that one file alone has, and the texts to search.

    The first sentence of a docstring that became a question is not in the text any more: the code
    is to be found by what it does.
    """
    import random

    found = [one for name, text in texts.items() for one in definitions(name, text)]
    counts = Counter(one.name.rpartition(".")[2] for one in found)
    everything = "\n".join(texts.values())
    questions: list[Question] = []
    left = dict(texts)
    for name in texts:
        random_ = random.Random(name)  # noqa: S311 - the same questions every time
        own = [one for one in found if one.document == name]
        said = random_.sample(said_ := [one for one in own if one.said], min(each, len(said_)))
        left[name], moved = _without(left[name], said)
        for one in said:
            questions.append(_question(" ".join(one.said.split()), "docstring", one, moved))
        unique = [one for one in own if _is_telling(one.name, counts, everything)]
        for one in random_.sample(unique, min(each, len(unique))):
            last = one.name.rpartition(".")[2]
            words = " ".join(_HUMP.split(last)).strip().lower()
            questions.append(_question(last, "identifier", one, moved))
            questions.append(_question(words, "identifier's words", one, moved))
            questions.append(_question(f"how does {last} work", "about an identifier", one, moved))
            if "." in one.name:
                questions.append(_question(one.name, "dotted name", one, moved))
    return left, questions


def _is_telling(name: str, counts: Mapping[str, int], everything: str) -> bool:
    last = name.rpartition(".")[2]
    parts = [part for part in _HUMP.split(last) if part]
    # Seldom used elsewhere, or whoever asks may well want another place.
    return len(parts) >= 2 and counts[last] == 1 and everything.count(last) <= 4


def _without(text: str, said: list[Definition]) -> tuple[str, list[tuple[int, int]]]:
    """A text without these sentences, and where how many characters went."""
    moved = sorted((one.said_at, len(one.said)) for one in said)
    for at, length in reversed(moved):
        text = text[:at] + text[at + length :]
    return text, moved


def _question(asked: str, kind: str, one: Definition, moved: list[tuple[int, int]]) -> Question:
    start, end = (
        place - sum(length for at, length in moved if at < place) for place in (one.start, one.end)
    )
    # Its beginning is what one wants to see of a class of a thousand lines.
    return Question(asked, kind, {one.document: 1.0}, (start, min(end, start + 400)))
