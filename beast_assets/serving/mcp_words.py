"""Answers to agents: bounded in size, as data and as text that cannot pass for something else."""

from typing import TYPE_CHECKING

from beast_assets.core.words import in_words, one_line, printable
from beast_assets.serving.mcp_schema import HitAnswer, PassageAnswer, SearchAnswer, StatusAnswer

if TYPE_CHECKING:
    from beast_assets.core.search.hits import Hits, Passage

#: Of an answer's passages with their paths: about 10,000 tokens, which clients still take.
MOST_CHARACTERS = 40_000


def search_answer(hits: "Hits") -> SearchAnswer:
    """As many hits as have room; the last of them may be cut."""
    shown: list[HitAnswer] = []
    room = MOST_CHARACTERS
    for hit in hits:
        room -= len(hit.path) + len(hit.place)
        if room <= 0:
            break
        answer = _cut(hit, room)
        shown.append(HitAnswer(**answer.model_dump(), score=hit.score, copies=hit.copies))
        room -= len(answer.text)
    return SearchAnswer(hits=shown, left_out=len(hits) - len(shown), version=hits.version)


def passage_answer(passage: "Passage") -> PassageAnswer:
    """The passage, cut where it is too long."""
    return _cut(passage, MOST_CHARACTERS)


def _cut(passage: "Passage", room: int) -> PassageAnswer:
    text = passage.text[:room]
    names = ("chunk_id", "path", "line_start", "line_end", "place", "stale")
    values = {name: getattr(passage, name) for name in names}
    return PassageAnswer(**values, text=text, cut=len(text) < len(passage.text))


def search_words(answer: SearchAnswer) -> str:
    """The hits for who reads text only."""
    parts = [f"[{number}] {passage_words(hit)}" for number, hit in enumerate(answer.hits, 1)]
    if answer.left_out:
        parts.append(f"{answer.left_out} more had no room here: ask for fewer, or for less context")
    return "\n\n".join(parts) or "nothing found"


def passage_words(passage: PassageAnswer) -> str:
    """Where a passage stands, and its lines, each marked as a quotation."""
    # Every line is marked: none can look like the head of another hit, or like ours.
    quoted = [f"> {printable(line)}" for line in passage.text.splitlines()]
    cut = ["(cut short)"] if passage.cut else []
    return "\n".join([_head(passage), *quoted, *cut])


def status_words(answer: StatusAnswer) -> str:
    """A line for each figure."""
    return "\n".join(printable(line) for line in in_words(answer.model_dump()))


def _head(passage: PassageAnswer) -> str:
    where = f"{passage.path}:{passage.line_start}-{passage.line_end}"
    place = f" ({passage.place})" if passage.place else ""
    stale = " (stale: the file has changed since it was indexed)" if passage.stale else ""
    return printable(one_line(where + place)) + f"{stale} chunk_id {passage.chunk_id}"
