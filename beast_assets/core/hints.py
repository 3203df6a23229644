"""Where a document of a known kind is better cut than elsewhere: headings and definitions."""

import os
import re
from collections.abc import Iterator, Set
from pathlib import PurePath
from typing import NamedTuple

from .syntax import find_definitions, is_source_code

_MARKDOWN = {".md", ".markdown", ".mdx", ".qmd", ".rmd"}

_RULE = r"""([=\-~^"'`*+#:.<>_])"""
# A title with a line below it at least four characters long, or one above and one below.
_UNDERLINED = re.compile(
    rf"^(?:{_RULE}\1{{3,}}+[ \t]*+\r?\n)?[ \t]*+(\w[^\r\n]*+)\r?\n{_RULE}\3{{3,}}+[ \t]*+\r?$",
    re.MULTILINE,
)
_HASHED = re.compile(r"^#{1,6}[ \t]++\S", re.MULTILINE)


class Hints(NamedTuple):
    """Where something begins that is better kept together: positions of first characters.

    Attributes:
        headings: worth more than any other break.
        definitions: worth more than other breaks of the same kind and indentation.
    """

    headings: Set[int] = frozenset()
    definitions: Set[int] = frozenset()


def find_hints(text: str, path: bytes | str | None) -> Hints:
    """Find where sections and definitions begin.

    For headings only the lines around a place tell: an edit changes none elsewhere. (So a line of a
    fenced block that looks like a heading counts as one.)

    Args:
        text: a decoded document.
        path: its name; None where it has none.
    """
    suffix = PurePath(os.fsdecode(path)).suffix.lower() if path is not None else ""
    if is_source_code(suffix):
        return Hints(definitions=find_definitions(text, suffix))
    return Hints(headings=set(_headings(text, suffix)))


def _headings(text: str, suffix: str) -> Iterator[int]:
    for match in _UNDERLINED.finditer(text):
        yield match.start(1) if match[1] else match.start(2)
    if suffix in _MARKDOWN:
        for match in _HASHED.finditer(text):
            yield match.start()
