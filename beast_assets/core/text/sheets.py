"""Spreadsheets (.xlsx, .xlsm, .xlsb, .xls, .ods), a part a sheet, a line a row."""

import datetime as dt
import io
import re
from collections.abc import Iterable
from typing import Any

from ..records import Part, Skip
from .archive import Archive
from .parts import Parts, Refused, guarded
from .sheet_extent import check_xml
from .sheet_records import check_records

#: What is further right is a table turned on its side or a mistake, and makes no line to read.
MAX_COLUMNS = 1_000
# The record that begins a workbook of Excel 97, and behind it the one that names the encryption;
# while it looks for the format, the library does not tell.
_LOCKED = re.compile(rb"\x09\x08\x10\0.{16}(?:\x86\0\0\0)?\x2f\0", re.DOTALL)
_ZIP = b"PK\x03\x04"
_BINARY_BOOK, _MANIFEST = "xl/workbook.bin", "META-INF/manifest.xml"
_WHOLE = 1e15  # whole numbers below this are shown as such: Excel keeps all numbers as floats


@guarded("sheet")
def sheet_parts(data: bytes) -> list[Part] | Skip:
    """Read each sheet (place ``sheet Budget``).

    A line holds the cells of a row joined by tabs, and its number is the row's: blank rows are
    blank lines. White space within a cell becomes one space.
    """
    from python_calamine import CalamineWorkbook

    if data.startswith(_ZIP):
        data = _checked(data)
    elif _LOCKED.search(data):
        raise Refused("encrypted")
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    parts = Parts()
    for name in book.sheet_names:
        rows = book.get_sheet_by_name(name).iter_rows()
        parts.add("\n".join(map(_line, rows)).rstrip("\n"), f"sheet {name}")
    return parts.found


def _checked(data: bytes) -> bytes:
    """Leave out what no parser of the kind has to see, pictures above all."""
    archive = Archive(data)
    if _BINARY_BOOK in archive:
        return archive.repacked({".bin": check_records, ".rels": check_xml})
    if _MANIFEST in archive and b"encryption-data" in archive.read(_MANIFEST):
        raise Refused("encrypted")
    return archive.repacked({".xml": check_xml, ".rels": check_xml, "": lambda mimetype: None})


def _line(row: Iterable[Any]) -> str:
    return "\t".join(map(_cell, list(row)[:MAX_COLUMNS])).rstrip("\t")


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _WHOLE else repr(value)
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    return str(value)
