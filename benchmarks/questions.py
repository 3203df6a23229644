"""Questions whose answer is known, because they were made of it.

A seed and a text give the same questions everywhere. What a question quotes is there once: a
fragment that two documents have would have two answers and be counted with one.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

_SENTENCE = re.compile(r"(?<=[\s(])[A-Z][^.!?|=`<>{}\[\]]{60,260}[.!?](?=\s)")
_LINE = re.compile(r"^[^\n]{40,200}$", re.MULTILINE)
_PARAGRAPH = re.compile(r"(?:^[^\n]+\n){3,}", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z]{3,}")
_ASKED = ("how does {} work", "what is said about {}", "explain {}", "what to know of {}")
_RARE_IN = range(2, 13)  # documents


@dataclass(frozen=True)
class Question:
    """A question and its answers.

    Attributes:
        text: as it is asked.
        kind: what sort of question, such as ``fragment``.
        relevant: grade of each document that answers, by its name.
        span: where in the one document the answer stands, in characters; None where only whole
            documents were judged.
    """

    text: str
    kind: str
    relevant: Mapping[str, float]
    span: tuple[int, int] | None = None


Texts = Mapping[str, str]
Maker = Callable[[str, random.Random], Iterator[tuple[str, int, int]]]


def known_items(kind: str, texts: Texts, maker: Maker, each: int) -> list[Question]:
    """So many questions of a kind for each document, fewer where it gives no more.

    Args:
        kind: its name.
        texts: by document.
        maker: gives question, start and end from a text, in any order and number.
        each: how many for a document.
    """
    found: list[Question] = []
    for name, text in texts.items():
        random_ = random.Random(f"{kind} {name}")  # noqa: S311 - the same questions every time
        made = list(maker(text, random_))
        for asked, start, end in random_.sample(made, min(each, len(made))):
            found.append(Question(asked, kind, {name: 1.0}, (start, end)))
    return found


def keywords(text: str, random_: random.Random) -> Iterator[tuple[str, int, int]]:
    """Half the words of a sentence, in another order."""
    for sentence in _SENTENCE.finditer(text):
        words = _WORD.findall(sentence[0])
        if len(words) >= 8:
            yield " ".join(random_.sample(words, len(words) // 2)), *sentence.span()


def fragments(texts: Texts) -> Maker:
    """Five to eight words as they stand in a line, and nowhere else."""
    everything = "\n".join(texts.values())

    def make(text: str, random_: random.Random) -> Iterator[tuple[str, int, int]]:
        lines = list(_LINE.finditer(text))
        for line in random_.sample(lines, min(20, len(lines))):
            words = list(re.finditer(r"\S+", line[0]))
            count = random_.randint(5, 8)
            if len(words) < count:
                continue
            first = random_.randrange(len(words) - count + 1)
            start, end = words[first].start(), words[first + count - 1].end()
            asked = line[0][start:end]
            if _WORD.search(asked) and everything.count(asked) == 1:
                yield asked, line.start() + start, line.start() + end

    return make


def rare_words(texts: Texts) -> Maker:
    """Three words of a paragraph that only 2 to 12 of the documents have."""
    counts = Counter(word for text in texts.values() for word in set(_words(text)))

    def make(text: str, random_: random.Random) -> Iterator[tuple[str, int, int]]:
        for paragraph in _PARAGRAPH.finditer(text):
            rare = sorted({word for word in _words(paragraph[0]) if counts[word] in _RARE_IN})
            if len(rare) >= 3:
                yield " ".join(random_.sample(rare, 3)), *paragraph.span()

    return make


def sections(texts: Texts, heading: re.Pattern[str]) -> Maker:
    """A question about a heading of at least three words that no other document has.

    Args:
        texts: by document.
        heading: its first group is the heading's text.
    """
    counts = Counter(
        title for text in texts.values() for title in {each[1] for each in heading.finditer(text)}
    )

    def make(text: str, random_: random.Random) -> Iterator[tuple[str, int, int]]:
        found = list(heading.finditer(text))
        ends = [*(each.start() for each in found[1:]), len(text)][: len(found)]
        for each, end in zip(found, ends, strict=True):
            if len(_WORD.findall(each[1])) >= 3 and counts[each[1]] == 1:
                asked = random_.choice(_ASKED).format(each[1].strip("`*_ ").lower())
                yield asked, each.start(), end

    return make


def titled(kind: str, titles: Mapping[str, str]) -> list[Question]:
    """A document's title, which its text does not have as such, asks for the document."""
    return [Question(title, kind, {name: 1.0}) for name, title in titles.items()]


def in_turns(kinds: Sequence[Sequence[Question]]) -> list[Question]:
    """All kinds of questions, one list."""
    return [question for kind in kinds for question in kind]


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]
