"""The text a reader sees of an HTML page."""

import codecs
import re
from typing import TYPE_CHECKING

from ..records import Part, Skip
from .decode import decode, strictly
from .nesting import names, problem
from .parts import guarded

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

_DECLARED = re.compile(
    rb"""<meta\s[^>]*?charset\s*=\s*["']?\s*([\w:.-]+)|^\s*<\?xml\s[^>]*?encoding=["']([\w:.-]+)""",
    re.IGNORECASE,
)
_WHERE_BROWSERS_LOOK = 1024
_AS_BROWSERS_READ = {"iso8859-1": "cp1252", "ascii": "cp1252"}
# These give lone surrogates, or are no character sets at all.
_NEVER = names("utf-7 unicode-escape raw-unicode-escape idna punycode undefined")

_UNSEEN = names("head script style template noscript iframe object svg math")
_PARAGRAPHS = names(
    "article aside blockquote dl figure footer form h1 h2 h3 h4 h5 h6 header hr main nav ol p pre"
    " section table ul"
)
_LINES = names(
    "address body br caption dd details div dt fieldset figcaption legend li optgroup option"
    " summary tbody textarea tfoot thead tr"
)
_CELLS = frozenset(("td", "th"))
_KEEPS_SPACES = frozenset(("pre", "textarea"))


@guarded("html")
def html_parts(data: bytes) -> list[Part] | Skip:
    """Read a page: one part, its title and visible text."""
    text = html_text(data)
    return text if isinstance(text, Skip) else [Part(text)]


def html_text(data: bytes) -> str | Skip:
    """Give title and visible text, a line for each block, or a quarantined ``Skip``."""
    source = _decode_html(data)
    if isinstance(source, Skip):
        return source
    why = problem(source)
    if why is not None:
        return Skip(f"html {why}", quarantined=True)
    from selectolax.lexbor import LexborHTMLParser

    return _visible(LexborHTMLParser(source))


def _decode_html(data: bytes) -> str | Skip:
    """Decode as the page declares if that holds for all of it, else as any other text."""
    declared = _DECLARED.search(data, 0, _WHERE_BROWSERS_LOOK)
    marked = data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if declared is not None and not marked:
        codec = known_codec(declared[1] or declared[2])
        text = strictly(data, codec) if codec is not None else None
        if text is not None and "\0" not in text:
            return text
    return decode(data)


def known_codec(label: bytes) -> str | None:
    """Give the codec that a browser reads a declared character set with, if it is one."""
    try:
        name = codecs.lookup(label.decode("ascii")).name.replace("_", "-")
    except (LookupError, ValueError):
        return None
    if name in _NEVER or name.startswith(("utf-16", "utf-32")):
        return None
    return _AS_BROWSERS_READ.get(name, name)


def _visible(page: "LexborHTMLParser") -> str:
    lines = _Lines()
    title = page.css_first("head > title")
    if title is not None:
        lines.write(title.text(), keep_spaces=False)
        lines.blank()
    if page.body is not None:
        _walk(page.body, {node.mem_id for node in page.css("[hidden]")}, lines)
    return lines.text()


def _walk(body: "LexborNode", hidden: set[int], lines: "_Lines") -> None:
    """Visit the tree without recursion: pages may be as deep as ``nesting.MAX_DEPTH``."""
    node: LexborNode | None = body
    kept = 0
    while node is not None:
        tag = node.tag
        if tag == "-text":
            lines.write(node.text_content or "", keep_spaces=kept > 0)
        elif tag is not None and tag not in _UNSEEN and node.mem_id not in hidden:
            lines.separate(tag)
            if node.child is not None:
                kept += tag in _KEEPS_SPACES
                node = node.child
                continue
        while node is not None and node.next is None:
            node = None if node.mem_id == body.mem_id else node.parent
            if node is not None:
                lines.separate(node.tag or "")
                kept -= node.tag in _KEEPS_SPACES
        node = None if node is None or node.mem_id == body.mem_id else node.next


class _Lines:
    """Text in the making: white space collapsed but for preformatted parts."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._current: list[str] = []
        self._keep = False

    def write(self, text: str, *, keep_spaces: bool) -> None:
        if not keep_spaces:
            self._current.append(text)
            return
        self._keep = True
        first, *others = text.replace("\r", "").split("\n")
        self._current.append(first)
        for line in others:
            self._lines.append("".join(self._current).rstrip())
            self._current = [line]

    def separate(self, tag: str) -> None:
        """Do what the edge of this element does to a line."""
        if tag in _PARAGRAPHS:
            self.blank()
        elif tag in _LINES:
            self.end()
        elif tag in _CELLS:
            self._current.append(" ")

    def end(self) -> None:
        joined = "".join(self._current)
        line = joined.rstrip() if self._keep else " ".join(joined.split())
        if line:
            self._lines.append(line)
        self._current = []
        self._keep = False

    def blank(self) -> None:
        self.end()
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def text(self) -> str:
        self.end()
        return "\n".join(self._lines).strip("\n")
