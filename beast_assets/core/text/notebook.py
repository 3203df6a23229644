"""Jupyter notebooks (.ipynb), a part a cell."""

import json
from collections.abc import Iterator
from typing import Any

from ..records import Part, Skip
from .decode import decode
from .parts import Parts, Refused, guarded

_NONE = "not a notebook file"
_SHOWN = ("text/markdown", "text/plain")  # pictures and widgets come with plain text as well


@guarded("notebook")
def notebook_parts(data: bytes) -> list[Part] | Skip:
    """Read the source of each cell and the text of its outputs (place ``cell 4``)."""
    text = decode(data)
    if isinstance(text, Skip):
        raise Refused(_NONE)
    parts = Parts()
    for number, cell in enumerate(_cells(json.loads(text)), start=1):
        outputs = [line for output in _list(cell, "outputs") for line in _output(output)]
        source = _joined(cell.get("source", cell.get("input")))
        parts.add("\n\n".join(filter(str.strip, [source, *outputs])), f"cell {number}")
    return parts.found


def _cells(book: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(book, dict) or not ("cells" in book or "worksheets" in book):
        raise Refused(_NONE)
    # The third version had worksheets; nothing ever wrote more than one.
    for holder in (book, *_list(book, "worksheets")):
        yield from _list(holder, "cells")


def _list(holder: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = holder.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _output(output: dict[str, Any]) -> Iterator[str]:
    yield _joined(output.get("text"))
    data = output.get("data")
    if isinstance(data, dict):
        shown = (_joined(data.get(kind)) for kind in _SHOWN)
        yield next(filter(None, shown), "")
    if "ename" in output:
        yield f"{_joined(output['ename'])}: {_joined(output.get('evalue'))}".strip(": ")


def _joined(lines: Any) -> str:
    if isinstance(lines, list):
        return "".join(line for line in lines if isinstance(line, str))
    return lines if isinstance(lines, str) else ""
