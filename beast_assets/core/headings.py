"""Where sections begin in documents of a known kind."""

import os
import re
from collections.abc import Iterator
from pathlib import PurePath

_MARKDOWN = {".md", ".markdown", ".mdx", ".qmd", ".rmd"}
# Not source code: there, what looks like a heading stands in the midst of something.
_PROSE = _MARKDOWN | {"", ".txt", ".text", ".rst", ".rest", ".htm", ".html", ".xhtml"}

_RULE = r"""([=\-~^"'`*+#:.<>_])"""
# A title with a line below it at least four characters long, or one above and one below.
_UNDERLINED = re.compile(
    rf"^(?:{_RULE}\1{{3,}}+[ \t]*+\r?\n)?[ \t]*+(\w[^\r\n]*+)\r?\n{_RULE}\3{{3,}}+[ \t]*+\r?$",
    re.MULTILINE,
)
_HASHED = re.compile(r"^#{1,6}[ \t]++\S", re.MULTILINE)


def find_headings(text: str, path: bytes | str | None) -> set[int]:
    """Find the headings of Markdown (by the file's name) and reStructuredText.

    Only the lines around a place tell: an edit changes none elsewhere. (So a line of a fenced block
    that looks like a heading counts as one.)

    Args:
        text: a decoded document.
        path: its name; None where it has none.

    Returns:
        Positions of first characters, no white space.
    """
    suffix = PurePath(os.fsdecode(path)).suffix.lower() if path is not None else ""
    return set(_headings(text, suffix)) if suffix in _PROSE else set()


def _headings(text: str, suffix: str) -> Iterator[int]:
    for match in _UNDERLINED.finditer(text):
        yield match.start(1) if match[1] else match.start(2)
    if suffix in _MARKDOWN:
        for match in _HASHED.finditer(text):
            yield match.start()
