"""Spreadsheets (.xlsx, .xlsm, .xlsb, .xls, .ods), a part a sheet, a line a row."""

import datetime as dt
import io
from collections.abc import Iterable
from typing import Any

from ..records import Part, Skip
from .archive import Archive
from .parts import Parts, Refused, guarded
from .sheet_extent import check_records, check_xml

#: What is further right is a table turned on its side or a mistake, and makes no line to read.
MAX_COLUMNS = 1_000
_ZIP = b"PK\x03\x04"
_BINARY_BOOK = "xl/workbook.bin"
_WHOLE = 1e15  # whole numbers below this are shown as such: Excel keeps all numbers as floats


@guarded("sheet")
def sheet_parts(data: bytes) -> list[Part] | Skip:
    """Read each sheet (place ``sheet Budget``).

    A line holds the cells of a row joined by tabs, and its number is the row's: blank rows are
    blank lines. White space within a cell becomes one space.
    """
    from python_calamine import CalamineWorkbook, PasswordError, SheetTypeEnum

    if data.startswith(_ZIP):
        data = _checked(data)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    except PasswordError:
        raise Refused("encrypted") from None
    parts = Parts()
    for sheet in book.sheets_metadata:
        if sheet.typ == SheetTypeEnum.WorkSheet:
            rows = book.get_sheet_by_name(sheet.name).iter_rows()
            parts.add("\n".join(map(_line, rows)).rstrip("\n"), f"sheet {sheet.name}")
    return parts.found


def _checked(data: bytes) -> bytes:
    """Leave out what no parser of the kind has to see, pictures above all."""
    archive = Archive(data)
    if _BINARY_BOOK in archive:
        return archive.repacked({".bin": check_records, ".rels": check_xml})
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
