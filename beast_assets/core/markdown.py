"""Markdown that shows what strangers wrote and obeys none of it."""

import re
from collections.abc import Iterable
from typing import Final

from beast_assets.core.words import one_line, printable, show_path

_LONGEST: Final = 600


def fenced(text: str) -> str:
    """A block of code that no text can end: its fence is longer than any row of backticks in it.

    Args:
        text: anything; control characters are shown escaped, what is too long is cut.
    """
    shown = printable(text if len(text) <= _LONGEST else text[:_LONGEST] + " …")
    longest = max((len(row) for row in re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}"


def shown_path(path: bytes) -> str:
    """A path as one line of text; what a screen would obey is escaped."""
    return shown_text(show_path(path))


def shown_text(text: str) -> str:
    """A text as one line, likewise."""
    return printable(one_line(text))


def chunk_preview(chunks: Iterable[tuple[bytes, int, int, str]]) -> str:
    """Chunks for people to look at: path, first and last line, text.

    The path stands inside the fence: outside of it, Markdown would make links of some.
    """
    return "\n\n".join(
        fenced(f"── {shown_path(path)}, lines {first} to {last} ──\n{text}")
        for path, first, last, text in chunks
    )
