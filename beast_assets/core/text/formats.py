"""Which reader a document needs: what its name promises and its first bytes keep."""

import re
from collections.abc import Callable, Mapping
from importlib.metadata import version
from types import MappingProxyType

from ..records import Skip


def _version(ours: int, *libraries: str) -> str:
    return " ".join([str(ours), *(f"{library}={version(library)}" for library in libraries)])


#: For the recipe of the index: raise our number when other text comes out of the same bytes.
VERSIONS: Mapping[str, str] = MappingProxyType(
    {
        "pdf": _version(1, "pypdfium2"),
        "docx": _version(1, "lxml"),
        "pptx": _version(1, "lxml"),
        "sheet": _version(1, "python-calamine"),
        "epub": _version(1, "lxml", "selectolax"),
        "mail": _version(1, "selectolax"),
        "notebook": _version(1),
        "html": _version(1, "selectolax"),
    }
)

#: The format that each extension promises.
FORMATS: Mapping[bytes, str] = MappingProxyType(
    {b".pdf": "pdf", b".epub": "epub", b".ipynb": "notebook"}
    | dict.fromkeys((b".docx", b".docm", b".dotx", b".dotm"), "docx")
    | dict.fromkeys((b".pptx", b".pptm", b".ppsx", b".ppsm", b".potx"), "pptx")
    | dict.fromkeys((b".xlsx", b".xlsm", b".xlsb", b".xltx", b".xls", b".ods"), "sheet")
    | dict.fromkeys((b".eml", b".mbox"), "mail")
)
_NAMES = {
    "pdf": "a PDF file",
    "docx": "a Word file",
    "pptx": "a PowerPoint file",
    "sheet": "a spreadsheet file",
    "epub": "an EPUB file",
    "mail": "a mail file",
    "notebook": "a notebook file",
}

_PDF, _ZIP, _COMPOUND = b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PDF_BEGINS_WITHIN = 1024  # as all readers allow
_ENCRYPTED_OFFICE = "EncryptedPackage".encode("utf-16-le")
#: The line before a message of a box, and what must follow it.
MESSAGE_BEGINS = rb"From [^\n]*\d\d:\d\d[^\n]*\n(?=[!-9;-~]+:)"
_BOX = re.compile(MESSAGE_BEGINS)
_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:From [^\n]*\n)?[!-9;-~]+:")


def sniff(path: bytes, data: bytes) -> str | Skip | None:
    """Tell the format of a document.

    Args:
        path: whose extension makes a promise.
        data: the whole content.

    Returns:
        A key of ``readers.READERS``; None for what is no document of these formats; a ``Skip``
        where the content does not keep the promise of the name. A PDF is one whatever its name.
    """
    if data.startswith(_PDF):
        return "pdf"
    extension = _extension(path)
    name = FORMATS.get(extension)
    if name is None:
        return "mail" if not extension and is_box(data) else None
    if not data:
        return Skip("empty")
    if data.startswith(_COMPOUND) and _ENCRYPTED_OFFICE in data:
        return Skip(f"{name}: encrypted", quarantined=True)
    if _KEPT[name](data):
        return name
    return Skip(f"{name}: not {_NAMES[name]}", quarantined=True)


def is_box(data: bytes) -> bool:
    """Tell a box of messages by the line before its first."""
    return _BOX.match(data) is not None


def _zip_with(member: bytes) -> Callable[[bytes], bool]:
    # Names lie open in a zip file: the reader looks again, at the table of contents.
    return lambda data: data.startswith(_ZIP) and member in data


def _is_sheet(data: bytes) -> bool:
    return data.startswith(_COMPOUND) or (
        data.startswith(_ZIP) and (b"xl/workbook" in data or b"content.xml" in data)
    )


_KEPT: Mapping[str, Callable[[bytes], bool]] = {
    "pdf": lambda data: _PDF in data[:_PDF_BEGINS_WITHIN],
    "docx": _zip_with(b"word/document"),
    "pptx": _zip_with(b"ppt/presentation.xml"),
    "sheet": _is_sheet,
    "epub": _zip_with(b"META-INF/container.xml"),
    "mail": lambda data: _HEADER.match(data) is not None,
    "notebook": lambda data: data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"),
}


def _extension(path: bytes) -> bytes:
    stem, dot, extension = path.rpartition(b"/")[2].rpartition(b".")
    return dot + extension.lower() if stem else b""
