"""Cuts a text into windows that the embedding model reads whole.

A window ends at a number of characters or at the model's token budget, whichever comes first, and
there at the best natural break. One way among others: a chunker is a function of this shape and a
name with a version, which is part of the index recipe.
"""

import re
from collections.abc import Callable, Iterator

from .breaks import first_start, last_break
from .errors import UsageError
from .records import Chunk

#: Raise the version when the same text comes to be cut elsewhere.
CHUNKER = "window/1"

_NOT_BLANK = re.compile(r"\S")
_TRUSTED_TRIES = 4


def chunk_text(
    text: str,
    *,
    path: bytes | str | None = None,
    max_chars: int = 1200,
    overlap: int = 0,
    fits: Callable[[str], int] | None = None,
) -> list[Chunk]:
    """Cut ``text`` into chunks that together hold every non-blank character.

    Args:
        text: a decoded document; offsets count its characters.
        path: for chunkers that go by the kind of file; this one does not.
        max_chars: the longest chunk, in characters.
        overlap: a chunk may start up to so many characters before the end of the one before it,
            at a natural break and not before its middle; fewer than ``max_chars``.
        fits: how many leading characters of a string the model reads whole (its length if all);
            by default the default model's budget.

    Returns:
        Chunks in order, with starts and ends that only grow, without white space at their ends.
        ``fits`` accepts each of them whole, unless it accepts no single character.

    Raises:
        UsageError: ``max_chars`` or ``overlap`` make no sense.
    """
    if max_chars < 1 or not 0 <= overlap < max_chars:
        raise UsageError(
            f"chunks of {max_chars} characters with {overlap} of overlap cannot be cut:"
            " take at least 1 character, and less overlap than characters"
        )
    if fits is None:
        from .embedding import default_fits

        fits = default_fits()
    return list(_with_lines(text, _spans(text, max_chars, overlap, fits)))


def _spans(
    text: str, max_chars: int, overlap: int, fits: Callable[[str], int]
) -> Iterator[tuple[int, int]]:
    """Walk over the text once; spans neither begin nor end with white space."""
    end = 0
    start = _next_not_blank(text, 0)
    while start is not None:
        span_end = _fitting_end(text, start, max_chars, fits)
        if span_end <= end:  # all of it was overlap: start where there is news
            start = _next_not_blank(text, end)
            continue
        yield start, span_end
        middle, end = (start + span_end + 1) // 2, span_end
        start = _next_not_blank(text, end)
        if overlap and start is not None:
            start = _next_not_blank(text, first_start(text, max(middle, end - overlap), end))


def _fitting_end(text: str, start: int, max_chars: int, fits: Callable[[str], int]) -> int:
    """Find the end of the longest well-cut piece from ``start`` that ``fits`` accepts whole.

    The piece is asked about as it will be stored: a word cut in two may take more tokens. A
    ``fits`` that keeps changing its mind is no longer believed after some tries; from there the
    piece is halved.
    """
    limit = min(len(text), start + max_chars)
    tries = 0
    while True:
        piece = text[start : last_break(text, start, limit)].rstrip()
        readable = fits(piece)
        if readable >= len(piece) or len(piece) == 1:
            return start + len(piece)
        tries += 1
        shorter = readable if tries <= _TRUSTED_TRIES else len(piece) // 2
        limit = start + max(1, shorter)


def _next_not_blank(text: str, position: int) -> int | None:
    match = _NOT_BLANK.search(text, position)
    return None if match is None else match.start()


def _with_lines(text: str, spans: Iterator[tuple[int, int]]) -> Iterator[Chunk]:
    """Number the lines as the spans go by: starts only grow, so no part is counted twice."""
    line, counted = 1, 0
    for start, end in spans:
        line += _line_ends(text, counted, start)
        counted = start
        last_line = line + _line_ends(text, start, end)
        yield Chunk(text[start:end], start, end, line, last_line)


def _line_ends(text: str, start: int, end: int) -> int:
    r"""Count ``\n``, ``\r\n`` and ``\r``; neither bound lies inside a ``\r\n``."""
    pairs = text.count("\r\n", start, end)
    return text.count("\n", start, end) + text.count("\r", start, end) - pairs
