"""Cuts a text into chunks that the embedding model reads whole."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from .errors import UsageError
from .records import Chunk, Part

if TYPE_CHECKING:
    from .settings import Settings

#: Raise a version when the same text comes to be cut elsewhere.
VERSIONS = {"content": 1, "window": 1}
DEFAULT = "content"
PART_SEPARATOR = "\n"


def chunk_text(
    text: str,
    *,
    path: bytes | str | None = None,
    max_chars: int = 1200,
    overlap: int = 0,
    fits: Callable[[str], int] | None = None,
    chunker: str = DEFAULT,
) -> list[Chunk]:
    """Cut ``text`` into chunks that together hold every non-blank character.

    Args:
        text: a decoded document; offsets count its characters.
        path: its name tells the kind of file, and so what a heading or a function looks like.
        max_chars: the longest chunk, in characters.
        overlap: a chunk may start up to so many characters before the end of the one before it,
            at a natural break and not before its middle; fewer than ``max_chars``.
        fits: how many leading characters of a string the model reads whole (its length if all);
            by default the default model's budget.
        chunker: ``content``, whose chunks survive edits elsewhere in the text, or ``window``,
            which fills each chunk as far as it goes.

    Returns:
        Chunks in order, with starts and ends that only grow, without white space at their ends.
        ``fits`` accepts each of them whole, unless it accepts no single character.

    Raises:
        UsageError: ``max_chars`` or ``overlap`` make no sense, or there is no such chunker.
    """
    if max_chars < 1 or not 0 <= overlap < max_chars:
        raise UsageError(
            f"chunks of {max_chars} characters with {overlap} of overlap cannot be cut:"
            " take at least 1 character, and less overlap than characters"
        )
    if chunker not in VERSIONS:
        raise UsageError(f"there is no chunker {chunker!r}: take one of {', '.join(VERSIONS)}")
    if fits is None:
        from .embedding import default_fits

        fits = default_fits()
    return list(_with_lines(text, _spans(chunker, text, path, max_chars, overlap, fits)))


def chunk_parts(
    parts: Sequence[Part],
    *,
    path: bytes | str | None,
    max_chars: int,
    overlap: int,
    fits: Callable[[str], int] | None = None,
    chunker: str = DEFAULT,
) -> list[Chunk]:
    """Cut each part of a document by itself, with ``chunk_text``.

    Returns:
        Chunks in order. Offsets count the characters of all parts joined by ``PART_SEPARATOR``;
        lines count from the beginning of the part.
    """
    found: list[Chunk] = []
    start = 0
    for part in parts:
        chunks = chunk_text(
            part.text, path=path, max_chars=max_chars, overlap=overlap, fits=fits, chunker=chunker
        )
        found += [
            replace(
                chunk,
                char_start=chunk.char_start + start,
                char_end=chunk.char_end + start,
                place=part.place,
            )
            for chunk in chunks
        ]
        start += len(part.text) + len(PART_SEPARATOR)
    return found


def chunker_recipe(settings: "Settings") -> str:
    """Name the chunker of these settings: the same name, the same chunks."""
    name = settings.chunker
    sizes = f"chars={settings.chunk_chars} overlap={settings.chunk_overlap}"
    return f"{name}/{VERSIONS[name]} {sizes}"


def _spans(
    chunker: str,
    text: str,
    path: bytes | str | None,
    max_chars: int,
    overlap: int,
    fits: Callable[[str], int],
) -> Iterator[tuple[int, int]]:
    if chunker == "window":
        from .windows import window_spans

        return window_spans(text, max_chars, overlap, fits)
    from .content import content_spans
    from .headings import find_headings

    return content_spans(text, find_headings(text, path), max_chars, overlap, fits)


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
