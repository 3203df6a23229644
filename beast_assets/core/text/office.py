"""What Word and PowerPoint files have in common: paragraphs, tables, relations between members."""

import posixpath
from collections.abc import Callable, Iterator
from typing import Any

from .archive import Archive
from .parts import Refused
from .xml import local

# A drawing is written twice, once for old readers; fields of a slide hold its number and the date.
_UNSEEN = frozenset(("Fallback", "del", "moveFrom", "fld"))
_MARKS = {"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
_STRICT = b"purl.oclc.org/ooxml"
Line = Callable[[Any, str], str]


def open_office(data: bytes) -> Archive:
    """Open the file, or say that it is of the dialect that nobody writes and few read.

    Raises:
        Refused: see ``Archive``.
    """
    archive = Archive(data)
    if _STRICT in archive.read("_rels/.rels"):
        raise Refused("strict Open XML")
    return archive


def lines(parent: Any, line: Line = lambda paragraph, text: text) -> Iterator[str]:
    """Give a line for each paragraph and each row of a table, in the order of the document.

    Args:
        parent: an element of a tree.
        line: makes a line of a paragraph outside of tables and of its text.
    """
    for child in parent:
        name = local(child.tag)
        if name == "p":
            yield from _paragraph(child, line)
        elif name == "tr":
            yield "\t".join(_cell(cell) for cell in child if local(cell.tag) == "tc")
        elif name not in _UNSEEN:
            yield from lines(child, line)


def _cell(cell: Any) -> str:
    return " ".join(" ".join(lines(cell)).split())


def _paragraph(paragraph: Any, line: Line) -> Iterator[str]:
    """Give the paragraph, and behind it the paragraphs of boxes that hang on it."""
    texts: list[str] = []
    boxes: list[Any] = []
    _collect(paragraph, texts, boxes)
    yield line(paragraph, "".join(texts))
    for box in boxes:
        yield from lines(box, line)


def _collect(element: Any, texts: list[str], boxes: list[Any]) -> None:
    for child in element:
        name = local(child.tag)
        if name == "t":
            texts.append(child.text or "")
        elif name in _MARKS:
            texts.append(_MARKS[name])
        elif name == "txbxContent":
            boxes.append(child)
        elif name not in _UNSEEN and not name.endswith("Pr"):  # properties hold a tab of their own
            _collect(child, texts, boxes)


def related(archive: Archive, name: str, kind: str) -> dict[str, str]:
    """Give the members that a member refers to.

    Args:
        archive: where both are.
        name: of the member that refers.
        kind: the last word of the relation's type, such as ``slide``.

    Returns:
        Names by identifier of the relation; only what is there.
    """
    folder, file = posixpath.split(name)
    relations = f"{folder}/_rels/{file}.rels"
    if relations not in archive:
        return {}
    found = {}
    for relation in archive.tree(relations):
        path = posixpath.join("/", folder, relation.get("Target", ""))
        target = posixpath.normpath(path).lstrip("/")
        if relation.get("Type", "").endswith(f"/{kind}") and target in archive:
            found[relation.get("Id", "")] = target
    return found
