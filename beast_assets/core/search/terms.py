"""What the full-text index is asked for: a question's words, and what is to stand as it is."""

import re
from collections.abc import Iterator

# Asked for beside other words they only blur what is meant (docs/decisions.md). The index keeps
# them: they belong to phrases, and a question may consist of them.
_COMMON = """
a an and are as at be been but by can could did do does for from had has have how i if in into is
it its me my no not of on or our should so such that the their them then there these they this those
to was we were what when where which while who whom why will with would you your
"""
_STOP_WORDS = frozenset(_COMMON.split())
# The index parts text in the same way.
_WORD = re.compile(r"[^\W_]+")
# Not with hyphens: those are in plain prose, where they made answers worse.
_NAME = re.compile(r"\w+(?:(?:\.|::|/)\w+)*")
_AROUND = "?.,!:;()[]{}\"'`"
_LONGEST_PHRASE, _MOST_PHRASES = 32, 4


def keywords(query: str) -> str:
    """The question without the words that every text has; as it is if it has no other."""
    kept = [word for word in query.split() if word.lower().strip(_AROUND) not in _STOP_WORDS]
    return " ".join(kept) or query


def phrases(query: str) -> list[str]:
    """What of a question is worth finding word after word, as it stands.

    That is the question itself, for it may be quoted, and names such as ``wait_for``,
    ``os.path.join`` and ``3.11``, which the index parts into words, with the parts of such that are
    names themselves. A longer text is told by its words alone.

    Returns:
        Words with blanks between them, at least two each.
    """
    words = dict.fromkeys(tuple(_WORD.findall(text)) for text in _candidates(query))
    found = [" ".join(each) for each in words if 1 < len(each) <= _LONGEST_PHRASE]
    return found[:_MOST_PHRASES]


def _candidates(query: str) -> Iterator[str]:
    yield query
    for name in _NAME.findall(query):
        yield name
        yield from re.split(r"\W+", name)
