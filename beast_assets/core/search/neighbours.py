"""A passage joined with what stands around it in its file."""

from collections.abc import Sequence
from typing import Any


def joined(row: dict[str, Any], file_rows: Sequence[dict[str, Any]], around: int) -> dict[str, Any]:
    """The row with its neighbours' texts: positions and lines reach over all of them.

    Args:
        row: of the index.
        file_rows: all rows of its file in the order of the text.
        around: how many on each side; those of another page or sheet are not joined.
    """
    names = [other["chunk_id"] for other in file_rows]
    at = names.index(row["chunk_id"])
    near = file_rows[max(0, at - around) : at + around + 1]
    together = [other for other in near if other["place"] == row["place"]]
    last = max(together, key=lambda other: int(other["char_end"]))
    return row | {
        "text": _text(together),
        "char_start": together[0]["char_start"],
        "line_start": together[0]["line_start"],
        "char_end": last["char_end"],
        "line_end": last["line_end"],
    }


def _text(rows: Sequence[dict[str, Any]]) -> str:
    text: str = rows[0]["text"]
    end, line = rows[0]["char_end"], rows[0]["line_end"]
    for row in rows[1:]:
        if row["char_start"] < end:  # they overlap
            text += row["text"][end - row["char_start"] :]
        else:  # what lies between is blank, and its lines are known
            text += ("\n" * (row["line_start"] - line) or " ") + row["text"]
        end, line = max(end, row["char_end"]), row["line_end"]
    return text
