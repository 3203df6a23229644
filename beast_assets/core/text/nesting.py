"""A cheap look at HTML before it is parsed.

A parser's time grows with the square of the nesting (40,000 nested divs: 17 s) and of the number
of attributes of one tag, and nothing can interrupt it. This look is linear. It need not be exact:
it must let real pages pass and stop what would hang.
"""

import re
from collections.abc import Iterator


def names(text: str) -> frozenset[str]:
    """Make a set of the words of ``text``."""
    return frozenset(text.split())


MAX_DEPTH = 1000
MAX_ATTRIBUTES = 1000

_ATTRIBUTES = r"""(?P<attributes>(?:[^<>"']|"[^"]*"|'[^']*')*+)"""
_TAG = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))"
    r"|<(?P<raw>script|style|title|textarea|xmp|iframe|noembed|noframes|plaintext)\b"
    r".*?(?:</(?P=raw)\b|\Z)"
    rf"|<(?P<end>/?)(?P<name>[a-z][^\s/>]*+){_ATTRIBUTES}",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_VOID = names("area base br col embed hr img input link meta param source track wbr")
# A second one closes the first, so pages leave their end tags out: no nesting comes of it.
_CLOSES_ITSELF = names("a p li dt dd")
_CLOSES_ITSELF_OUTSIDE_DRAWINGS = names(
    "tr td th thead tbody tfoot colgroup caption option optgroup rp rt"
)
# The slash of <div/> counts for nothing in HTML; in a drawing it ends the element, but these names
# end the drawing instead.
_ENDS_A_DRAWING = names(
    "b big blockquote body center code div em embed h1 h2 h3 h4 h5 h6 head i listing menu nobr ol"
    " pre ruby s small span strong strike sub sup table tt u ul var font"
)
_DRAWING = re.compile(r"<(?:svg|math)\b", re.IGNORECASE)


def problem(html: str) -> str | None:
    """Say in a word why this HTML must not be parsed, or give None."""
    flat = _VOID | _CLOSES_ITSELF
    if _DRAWING.search(html) is None:
        flat |= _CLOSES_ITSELF_OUTSIDE_DRAWINGS
    stack: list[str] = []
    for is_end, name, attributes in _tags(html):
        if len(attributes) > MAX_ATTRIBUTES and _attribute_count(attributes) > MAX_ATTRIBUTES:
            return f"more than {MAX_ATTRIBUTES} attributes in a tag"
        if name not in flat:
            _follow(stack, is_end, name, attributes)
            if len(stack) > MAX_DEPTH:
                return f"nested more than {MAX_DEPTH} deep"
    return None


def _tags(html: str) -> Iterator[tuple[bool, str, str]]:
    for match in _TAG.finditer(html):
        name = match["name"]
        if name is not None:
            yield bool(match["end"]), name.lower(), match["attributes"]


def _follow(stack: list[str], is_end: bool, name: str, attributes: str) -> None:
    if is_end:
        _close(stack, name)
    elif not (attributes.endswith("/") and _in_drawing(stack, name)):
        stack.append(name)


def _attribute_count(attributes: str) -> int:
    return len(_QUOTED.sub("", attributes).split())


def _in_drawing(stack: list[str], name: str) -> bool:
    return name not in _ENDS_A_DRAWING and ("svg" in stack or "math" in stack)


def _close(stack: list[str], name: str) -> None:
    """Drop the innermost ``name`` and all inside it; an end tag does not reach out of its table."""
    for depth in range(len(stack) - 1, -1, -1):
        if stack[depth] == name:
            del stack[depth:]
            return
        if stack[depth] == "table":
            return
