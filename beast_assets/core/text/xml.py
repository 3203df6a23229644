"""XML of strangers: looked at by expat first, and only what passes is made into a tree.

Expat walks it without keeping anything, in linear time. What it cannot read is damaged, in whatever
encoding it hides, so no other parser sees a document that has not been looked at.
"""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from xml.parsers import expat  # noqa: S406 - entities, its danger, are refused below

from .parts import Refused

#: libxml2 stops at 256 by itself; Word nests tables, but nobody reads a table forty deep.
MAX_DEPTH = 200
OnStart = Callable[[str, Mapping[str, str]], None]


def look(data: bytes, on_start: OnStart | None = None) -> None:
    """Walk through a document.

    Args:
        data: all of it.
        on_start: called for each element with its name as written and its attributes.

    Raises:
        Refused: a document type or entity is declared, it nests too deep, or it is not well-formed.
    """
    parser = expat.ParserCreate()
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise Refused(f"nested more than {MAX_DEPTH} deep")
        if on_start is not None:
            on_start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_doctype
    parser.Parse(data, True)


def tree(data: bytes) -> Any:
    """Give the root element; no comments, no processing instructions, no entities, no network.

    Raises:
        Refused: see ``look``.
    """
    from lxml import etree

    look(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    return etree.fromstring(data, parser)


def local(tag: str) -> str:
    """Give a name without its namespace or prefix."""
    return tag.rpartition("}")[2].rpartition(":")[2]


def _refuse_doctype(*declared: object) -> NoReturn:
    raise Refused("declares a document type")
