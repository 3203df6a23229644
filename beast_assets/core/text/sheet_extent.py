"""How far a sheet reaches, read off before a parser makes a rectangle of it.

Parsers keep a sheet as a rectangle of cells. Two cells, in the first and the last corner, are a
file of some hundred bytes and a rectangle of 17 thousand million.
"""

from collections.abc import Mapping
from functools import lru_cache
from string import digits

from .parts import Refused
from .xml import local, look

#: What is unpacked at most, 128 MiB of XML, has room for four million; 160 MB in the parser.
MAX_CELLS = 5_000_000
_BEYOND = 10**12


class Extent:
    """The rectangle that the cells of one sheet span."""

    def __init__(self) -> None:
        self._top = self._left = _BEYOND
        self._bottom = self._right = -1

    def add(self, row: int, first: int, last: int, row_end: int | None = None) -> None:
        """Take cells in, rows and columns counted from any number.

        Raises:
            Refused: the rectangle became larger than ``MAX_CELLS``.
        """
        end = row if row_end is None else row_end
        in_rows = self._top <= row and end <= self._bottom
        if in_rows and self._left <= first and last <= self._right:
            return  # most cells are in a row and a column that others are in
        self._top, self._bottom = min(self._top, row), max(self._bottom, end)
        self._left, self._right = min(self._left, first), max(self._right, last)
        if (self._bottom - self._top + 1) * (self._right - self._left + 1) > MAX_CELLS:
            raise Refused(f"a sheet of more than {MAX_CELLS} cells")


def check_xml(data: bytes) -> None:
    """Check a member of an .xlsx or .ods, whichever it is.

    Raises:
        Refused: a sheet that is too large, or XML that ``xml.look`` refuses.
    """
    look(data, _Elements())


class _Elements:
    """Follows the rows and cells of a sheet of Excel (``row``, ``c``) or OpenDocument."""

    def __init__(self) -> None:
        self._extent = Extent()
        self._row = self._column = -1
        self._repeats = self._width = 1
        self._in_rows = self._in_cell = False

    def __call__(self, name: str, attributes: Mapping[str, str]) -> None:
        handler = self._HANDLERS.get(local(name))
        if handler is not None:
            handler(self, attributes)

    def _excel_row(self, attributes: Mapping[str, str]) -> None:
        self._in_rows = True
        self._row = _number(attributes.get("r"), self._row + 1)
        self._column = -1

    def _excel_cell(self, attributes: Mapping[str, str]) -> None:
        if not self._in_rows:
            return  # the chain of calculations has a c too
        reference = attributes.get("r", "")
        letters = reference.rstrip(digits)
        self._row = _number(reference[len(letters) :], self._row)
        self._column = _column(letters) if letters else self._column + 1
        self._extent.add(self._row, self._column, self._column)

    def _table(self, attributes: Mapping[str, str]) -> None:
        self._extent = Extent()
        self._row, self._repeats = -1, 1

    def _table_row(self, attributes: Mapping[str, str]) -> None:
        self._row += self._repeats
        self._repeats = _repeats(attributes, "rows")
        self._column = -1
        self._width = 1
        self._in_cell = False

    def _table_cell(self, attributes: Mapping[str, str]) -> None:
        self._column += self._width
        self._width = _repeats(attributes, "columns")
        self._in_cell = True
        if any(local(name) in ("value-type", "formula") for name in attributes):
            self._text({})

    def _text(self, attributes: Mapping[str, str]) -> None:
        """Take a cell in that has content; blank ones up to the edge of the sheet take no room."""
        if self._in_cell:
            last, end = self._column + self._width - 1, self._row + self._repeats - 1
            self._extent.add(self._row, self._column, last, end)

    _HANDLERS = {
        "row": _excel_row,
        "c": _excel_cell,
        "table": _table,
        "table-row": _table_row,
        "table-cell": _table_cell,
        "covered-table-cell": _table_cell,
        "p": _text,
    }


def _number(written: str | None, otherwise: int) -> int:
    return int(written[:10]) if written and written.isdecimal() else otherwise


def _repeats(attributes: Mapping[str, str], of: str) -> int:
    for name, value in attributes.items():
        if local(name) == f"number-{of}-repeated":
            return _number(value, 1)
    return 1


@lru_cache(16_384)
def _column(letters: str) -> int:
    number = 0
    for letter in letters[:4].upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
