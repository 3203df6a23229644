"""Books (.epub), a part a chapter, in the order of reading."""

import posixpath
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from ..records import Part, Skip
from .archive import Archive
from .html import html_text
from .parts import Parts, Refused, guarded

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_CHAPTERS = frozenset(("application/xhtml+xml", "text/html", "text/x-oeb1-document"))
# In XHTML <title/> is complete; to a parser of HTML the whole page is then the title.
_COMPLETE = re.compile(rb"<([A-Za-z][\w.:-]*)(\s[^<>]*)?/>")
_ALWAYS_EMPTY = frozenset(b"area base br col embed hr img input link meta source track wbr".split())


@guarded("epub")
def epub_parts(data: bytes) -> list[Part] | Skip:
    """Read the chapters (place: the chapter's first heading or title, else ``chapter 3``)."""
    archive = Archive(data)
    if _CONTAINER not in archive:
        raise Refused("not an EPUB file")
    package = archive.tree(_CONTAINER).find(".//{*}rootfile")
    if package is None:
        raise Refused("no package document")
    chapters = list(_chapters(archive, package.get("full-path", "")))
    if not _encrypted(archive).isdisjoint(chapters):
        raise Refused("encrypted")
    parts = Parts()
    for number, chapter in enumerate(chapters, start=1):
        page = _COMPLETE.sub(_with_end_tag, archive.read(chapter))
        text = html_text(page)
        if isinstance(text, Skip):
            raise Refused(text.reason)
        parts.add(text, _title(page) or f"chapter {number}")
    return parts.found


def _chapters(archive: Archive, package: str) -> Iterator[str]:
    root = archive.tree(package)
    hrefs = {
        item.get("id"): _inside(posixpath.dirname(package), item)
        for item in root.iterfind(".//{*}manifest/{*}item")
        if item.get("media-type") in _CHAPTERS
    }
    for reference in root.iterfind(".//{*}spine/{*}itemref"):
        name = hrefs.pop(reference.get("idref"), None)  # once, however often it is listed
        if name is not None and name in archive:
            yield name


def _inside(folder: str, item: Any) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))


def _encrypted(archive: Archive) -> frozenset[str]:
    """Give the members that cannot be read; often these are the fonts only."""
    if _ENCRYPTION not in archive:
        return frozenset()
    references = archive.tree(_ENCRYPTION).iterfind(".//{*}CipherReference")
    return frozenset(unquote(reference.get("URI", "")) for reference in references)


def _with_end_tag(tag: re.Match[bytes]) -> bytes:
    name, attributes = tag[1], tag[2] or b""
    if name.lower() in _ALWAYS_EMPTY:
        return tag[0]
    return b"<%b%b></%b>" % (name, attributes, name)


def _title(page: bytes) -> str:
    from selectolax.lexbor import LexborHTMLParser

    for selector in ("h1, h2, h3", "head > title"):
        node = LexborHTMLParser(page).css_first(selector)
        if node is not None and node.text().strip():
            return str(node.text(separator=" "))
    return ""
