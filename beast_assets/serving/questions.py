"""What may be asked of the server: one table that validates, and that OpenAPI is made from."""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from beast_assets.core.errors import UsageError
from beast_assets.core.search.options import (
    LONGEST_QUERY,
    MODES,
    MOST_HITS,
    MOST_NEIGHBOURS,
    SearchOptions,
)

#: The longest query string, in bytes: the longest question, each character four bytes, encoded.
LONGEST_QUERY_STRING = 12 * LONGEST_QUERY + 30_000
#: How often a parameter may be given that may be given more than once.
MOST_VALUES = 100
_MOST_PARAMETERS = 1_000

Values = dict[str, Any]


class Parameter(NamedTuple):
    """One parameter of a query string.

    Attributes:
        name: in the query string.
        option: of what it sets, among ``SearchOptions``; empty where it is none of these.
        schema: JSON Schema of one value.
        help: one line for people.
        several: it may be given more than once, up to ``MOST_VALUES`` times.
        required: it must be given.
    """

    name: str
    option: str
    schema: Mapping[str, Any]
    help: str
    several: bool = False
    required: bool = False

    @property
    def default(self) -> Any:
        """What counts when it is not given; None where the schema has none."""
        found = {item.name: item.default for item in fields(SearchOptions)}.get(self.option)
        return None if found is MISSING or self.several else found


def _whole(least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


_FLAG = {"type": "boolean"}
_TEXT = {"type": "string", "minLength": 1, "maxLength": 4_096}
_MOMENT = {"type": "string", "maxLength": 64}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}

SEARCH = (
    Parameter(
        "q",
        "",
        {"type": "string", "minLength": 1, "maxLength": LONGEST_QUERY, "pattern": r"\S"},
        "The question: words, a sentence or a fragment of text.",
        required=True,
    ),
    Parameter("k", "k", _whole(1, MOST_HITS), "At most so many hits."),
    Parameter(
        "mode",
        "mode",
        {"type": "string", "enum": list(MODES)},
        "By meaning (vector), by words (text), or both (hybrid).",
    ),
    Parameter(
        "path",
        "paths",
        _TEXT,
        "Only files that one of these globs matches, as in .gitignore, or below a folder.",
        several=True,
    ),
    Parameter("ext", "extensions", _TEXT, "Only files of these extensions.", several=True),
    Parameter("root", "roots", _TEXT, "Only files of these indexed folders.", several=True),
    Parameter(
        "after",
        "after",
        _MOMENT,
        "Only files modified then or later: 2026-11-22, 2026-11-22T17:30, or 7d for so long ago.",
    ),
    Parameter("before", "before", _MOMENT, "Only files modified then or earlier."),
    Parameter("content", "content", _SHA256, "Only files of these SHA-256.", several=True),
    Parameter(
        "per_file", "per_file", _whole(0, MOST_HITS), "At most so many hits of a file; 0: any."
    ),
    Parameter(
        "context",
        "context",
        _whole(0, MOST_NEIGHBOURS),
        "Join so many neighbours to each passage, on each side.",
    ),
    Parameter("copies", "copies", _FLAG, "List passages that say nearly the same, too."),
    Parameter("rerank", "rerank", _FLAG, "Let the cross-encoder that is set order the best."),
)
DOC = (
    Parameter(
        "id",
        "",
        {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        "The `chunk_id` of a hit.",
        required=True,
    ),
    Parameter(
        "context",
        "context",
        _whole(0, MOST_NEIGHBOURS),
        "Join so many neighbours to the passage, on each side.",
    ),
)


def read_parameters(query_string: bytes, table: tuple[Parameter, ...]) -> Values:
    """The values of a query string, by name; several as a list, and none that was not given.

    Args:
        query_string: as it stands in the URL, at most ``LONGEST_QUERY_STRING`` bytes.
        table: what is allowed.

    Raises:
        UsageError: a parameter is unknown, missing, given twice, or its value is not allowed.
    """
    known = {each.name: each for each in table}
    values: Values = {}
    for name, text in _pairs(query_string):
        if name not in known:
            raise UsageError(f"no parameter {name[:40]!r}: one of {', '.join(known)}")
        value = _value(known[name], text)
        if known[name].several:
            values.setdefault(name, []).append(value)
            if len(values[name]) > MOST_VALUES:
                raise UsageError(f"{name} is given more than {MOST_VALUES} times: give it less")
        elif name in values:
            raise UsageError(f"{name} is given twice: give it once")
        else:
            values[name] = value
    for each in table:
        if each.required and each.name not in values:
            raise UsageError(f"{each.name} is missing: {each.help}")
    return values


def search_options(values: Values) -> SearchOptions:
    """The options among the values of ``SEARCH``.

    Raises:
        UsageError: a moment cannot be read.
    """
    given = {each.option: values[each.name] for each in SEARCH if each.name in values}
    given.pop("", None)
    return SearchOptions(**given)


def _pairs(query_string: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except UnicodeDecodeError as error:
        raise UsageError("the query string is not UTF-8 in percent-encoding") from error
    except ValueError as error:
        raise UsageError(f"more than {_MOST_PARAMETERS} parameters: give fewer") from error


def _value(parameter: Parameter, text: str) -> Any:
    read = _READ[parameter.schema["type"]]
    try:
        return read(text, parameter.schema)
    except ValueError as error:
        raise UsageError(f"{parameter.name}: {error}. {parameter.help}") from error


def _integer(text: str, schema: Mapping[str, Any]) -> int:
    least, most = schema["minimum"], schema["maximum"]
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise ValueError(f"a whole number from {least} to {most}")
    return int(text)


def _boolean(text: str, _: Mapping[str, Any]) -> bool:
    if text not in ("true", "false"):
        raise ValueError("true or false")
    return text == "true"


def _string(text: str, schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 4_096)
    if not least <= len(text) <= most:
        raise ValueError(f"{len(text):,} characters; {least} to {most:,} are allowed")
    if "enum" in schema and text not in schema["enum"]:
        raise ValueError(f"one of {', '.join(schema['enum'])}")
    # As JSON Schema has it: the pattern may stand anywhere, `$` is the very end.
    if not re.search(schema.get("pattern", "").replace("$", r"\Z"), text):
        raise ValueError("not in the form that is meant")
    return text


_READ: dict[str, Callable[[str, Mapping[str, Any]], Any]] = {
    "integer": _integer,
    "boolean": _boolean,
    "string": _string,
}
