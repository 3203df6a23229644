"""The plain chunker: windows that follow each other from the first character to the last."""

from collections.abc import Callable, Iterator

from .breaks import first_start, last_break, next_not_blank

_TRUSTED_TRIES = 4


def window_spans(
    text: str, max_chars: int, overlap: int, fits: Callable[[str], int]
) -> Iterator[tuple[int, int]]:
    """Walk over the text once; spans neither begin nor end with white space.

    A window ends at ``max_chars`` or where ``fits`` says, whichever comes first, and there at the
    best natural break. Arguments are those of ``chunk_text``.
    """
    end = 0
    start = next_not_blank(text, 0)
    while start is not None:
        span_end = fitting_end(text, start, start + max_chars, fits)
        if span_end <= end:  # all of it was overlap: start where there is news
            start = next_not_blank(text, end)
            continue
        yield start, span_end
        middle, end = (start + span_end + 1) // 2, span_end
        start = next_not_blank(text, end)
        if overlap and start is not None:
            start = next_not_blank(text, first_start(text, max(middle, end - overlap), end))


def fitting_end(
    text: str,
    start: int,
    limit: int,
    fits: Callable[[str], int],
    cut: Callable[[str, int, int], int] = last_break,
) -> int:
    """Find the end of the longest well-cut piece from ``start`` that ``fits`` accepts whole.

    The piece is asked about as it will be stored: a word cut in two may take more tokens. A
    ``fits`` that keeps changing its mind is no longer believed after some tries; from there the
    piece is halved.

    Args:
        text: the whole text.
        start: where the piece begins; no white space there.
        limit: where it ends at the latest; may lie behind the text.
        fits: as in ``chunk_text``.
        cut: where in ``(start, limit]`` a piece is best cut, as ``last_break``.
    """
    limit = min(len(text), limit)
    tries = 0
    while True:
        piece = text[start : cut(text, start, limit)].rstrip()
        readable = fits(piece)
        if readable >= len(piece) or len(piece) == 1:
            return start + len(piece)
        tries += 1
        shorter = readable if tries <= _TRUSTED_TRIES else len(piece) // 2
        limit = start + max(1, shorter)
