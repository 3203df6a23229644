"""Plain data in words for people."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def in_words(data: Mapping[str, Any], within: str = "") -> list[str]:
    """One line for each value; what is nested is named by the way to it.

    Args:
        data: values as JSON has them, and datetimes.
        within: what all of it belongs to.
    """
    lines: list[str] = []
    for key, value in data.items():
        name = f"{within} {key}".strip().replace("_", " ")
        if isinstance(value, Mapping) and value:
            lines += in_words(value, name)
        else:
            lines.append(f"{name}: {_word(value)}")
    return lines


def show_path(path: bytes) -> str:
    """A path as text for people and JSON; what is not UTF-8 is escaped."""
    return path.decode("utf-8", "backslashreplace")


def printable(text: str) -> str:
    """Text that a terminal shows and does not obey: control characters are escaped."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)


def one_line(path: str) -> str:
    """A path that stays on its line."""
    return path.replace("\n", "\\n").replace("\t", "\\t")


def moment(nanoseconds: int) -> datetime:
    """A time since the epoch, to the second, in this machine's time zone."""
    return datetime.fromtimestamp(nanoseconds // 1_000_000_000).astimezone()


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        parts = (_nested(item) if isinstance(item, Mapping) else _word(item) for item in value)
        return ", ".join(parts) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S %z}".rstrip()
    return "none" if value is None or value == "" or value == {} else one_line(str(value))


def _nested(data: Mapping[str, Any]) -> str:
    return "; ".join(in_words(data))
