"""Word documents (.docx): headings, paragraphs and tables, then what stands around the pages."""

from collections.abc import Mapping
from typing import Any

from ..records import Part, Skip
from .archive import Archive
from .office import lines, open_office, related
from .parts import Parts, Refused, guarded
from .xml import local

_DEEPEST_HEADING = 6
_AROUND = ("header", "footer", "footnotes", "endnotes", "comments")


@guarded("docx")
def docx_parts(data: bytes) -> list[Part] | Skip:
    """Read the whole document as one part without a place.

    Headings begin with ``#``, a row of a table is a line of cells joined by tabs. Headers, footers,
    notes and comments follow the text, each once.
    """
    archive = open_office(data)
    main = next(iter(archive.matching(r"word/document\d*\.xml")), None)
    if main is None:
        raise Refused("not a Word file")
    levels = _heading_levels(archive, main)
    text = list(lines(archive.tree(main), lambda p, text: _with_heading(p, text, levels)))
    text += _around(archive, main)
    parts = Parts()
    parts.add("\n".join(text).strip("\n"))
    return parts.found


def _around(archive: Archive, main: str) -> list[str]:
    found: list[str] = []
    for kind in _AROUND:
        for member in related(archive, main, kind).values():
            found += filter(str.strip, lines(archive.tree(member)))
    return list(dict.fromkeys(found))


def _with_heading(paragraph: Any, text: str, levels: Mapping[str, int]) -> str:
    properties = paragraph.find("{*}pPr")
    if properties is None or not text.strip():
        return text
    level = _outline(properties) or levels.get(_value(properties.find("{*}pStyle")), 0)
    # A heading over two lines is one heading.
    return f"{'#' * level} {' '.join(text.split())}" if level else text


def _heading_levels(archive: Archive, main: str) -> dict[str, int]:
    """Give 1 to 6 by identifier of the style, for those that are headings or are based on one."""
    styles = {}
    for member in related(archive, main, "styles").values():
        for style in archive.tree(member):
            if local(style.tag) == "style":
                styles[_attribute(style, "styleId")] = style
    return {name: level for name in styles if (level := _level(name, styles))}


def _level(name: str, styles: Mapping[str, Any]) -> int:
    seen = set()
    while name in styles and name not in seen:
        seen.add(name)
        style = styles[name]
        level = _level_by_name(_value(style.find("{*}name"))) or _outline(style.find("{*}pPr"))
        if level:
            return level
        name = _value(style.find("{*}basedOn"))
    return 0


def _level_by_name(name: str) -> int:
    word, _, number = name.lower().partition(" ")
    if word == "title" and not number:
        return 1
    return _limited(int(number)) if word == "heading" and number.isdecimal() else 0


def _outline(properties: Any) -> int:
    """Give the level that properties of a paragraph set; they count from 0, 9 is plain text."""
    number = _value(properties.find("{*}outlineLvl")) if properties is not None else ""
    return _limited(int(number) + 1) if number.isdecimal() and int(number) < 9 else 0


def _limited(level: int) -> int:
    return min(level, _DEEPEST_HEADING)


def _value(element: Any) -> str:
    return "" if element is None else _attribute(element, "val")


def _attribute(element: Any, name: str) -> str:
    return next((str(value) for key, value in element.items() if local(key) == name), "")
