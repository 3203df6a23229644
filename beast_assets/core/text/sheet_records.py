"""Binary workbooks (.xlsb): how far a sheet reaches."""

from collections.abc import Iterator

from .sheet_extent import Extent

_ROW, _CELLS = 0, range(1, 12)
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384


def check_records(data: bytes) -> None:
    """Check a member of an .xlsb, whichever it is.

    Raises:
        Refused: a sheet that is too large.
    """
    extent, row = Extent(), -1
    for kind, start in _records(data):
        number = int.from_bytes(data[start : start + 4], "little")
        if kind == _ROW:
            row = min(number, _LAST_ROW)
        elif kind in _CELLS and row >= 0:
            column = min(number, _LAST_COLUMN)
            extent.add(row, column, column)


def _records(data: bytes) -> Iterator[tuple[int, int]]:
    """Give kind and begin of each record's content; both head numbers take seven bits a byte."""
    at = 0
    while at < len(data):
        kind, at = _seven_bits(data, at, 2)
        size, at = _seven_bits(data, at, 4)
        yield kind, at
        at += size


def _seven_bits(data: bytes, at: int, longest: int) -> tuple[int, int]:
    number = 0
    for index, byte in enumerate(data[at : at + longest]):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return number, at + index + 1
    return number, at + longest
