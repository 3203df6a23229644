"""A person's own queries and the files that they have to find, kept in a file of the home.

Not in the ledger: what a person wrote cannot be learnt anew from the disk, and a damaged ledger is
made anew from the disk.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beast_assets.core.errors import UsageError
from beast_assets.core.forgotten import absolute_path, covers
from beast_assets.core.ledger import Ledger
from beast_assets.core.lock import writer_lock
from beast_assets.core.private import private_files
from beast_assets.core.settings import Settings
from beast_assets.core.words import show_path

_FILE, _LOCK = "golden.json", "golden.lock"
_PATIENCE_S = 5.0
_KEY_LENGTH = 16
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class GoldenQuery:
    """A question and what answers it.

    Attributes:
        text: the question.
        paths: absolute, raw bytes: each a file, or a folder for any file below it; one suffices.
        made: whether its words were taken from the file itself.
    """

    text: str
    paths: tuple[bytes, ...]
    made: bool = False

    @property
    def key(self) -> str:
        """A name that another question, or other paths, do not have."""
        data = json.dumps([self.text, *map(os.fsdecode, self.paths)])
        return hashlib.sha256(data.encode()).hexdigest()[:_KEY_LENGTH]

    @property
    def label(self) -> str:
        """What logs and reports may hold: no word of a file, which may be forgotten one day."""
        if self.made:
            return f"made query {self.key[:8]}"
        text = " ".join(self.text.split())
        return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for people."""
        paths = [show_path(path) for path in self.paths]
        return {"query": self.text, "paths": paths, "made": self.made, "label": self.label}


def load(home: Path) -> list[GoldenQuery]:
    """The golden queries of a home, in the order in which they came.

    Raises:
        UsageError: the file is not as it was written.
    """
    path = home / _FILE
    if not path.exists():
        return []
    try:
        return [
            GoldenQuery(str(each["query"]), tuple(map(os.fsencode, each["paths"])), each["made"])
            for each in json.loads(path.read_text())
        ]
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(
            f"{path} is no list of golden queries ({error!r}): mend it, or delete it to be without"
        ) from error


@contextmanager
def editing(home: Path) -> Iterator[list[GoldenQuery]]:
    """The golden queries, to be changed in place; saved at the end.

    Raises:
        LockedError: another process is changing them.
    """
    with writer_lock(home / _LOCK, timeout_s=_PATIENCE_S):
        queries = load(home)
        before = list(queries)
        yield queries
        if queries != before:
            _save(home / _FILE, queries)


def _save(path: Path, queries: Sequence[GoldenQuery]) -> None:
    rows = [
        {"query": each.text, "paths": list(map(os.fsdecode, each.paths)), "made": each.made}
        for each in queries
    ]
    partial = path.with_suffix(".partial")
    with private_files():
        partial.write_text(json.dumps(rows, indent=1) + "\n")
    partial.replace(path)


def add(settings: Settings, text: str, paths: Sequence[bytes]) -> GoldenQuery:
    """Keep a query; one with the same words has its paths replaced.

    Raises:
        NoIndexError: there is no home here.
        UsageError: the query is empty, or a path lies in no indexed folder.
    """
    # Here: an indexing run reads the queries, too, and need not import all of search.
    from beast_assets.core.search.options import checked_query

    roots = [root.path for root in Ledger.open_existing(settings.ledger_url).roots()]
    wanted = tuple(dict.fromkeys(map(absolute_path, paths)))
    for path in wanted:
        if not any(covers(root, path) for root in roots):
            raise UsageError(f"{show_path(path)} lies in no indexed folder: see `beast roots list`")
    query = GoldenQuery(checked_query(text), wanted)
    with editing(settings.home) as queries:
        texts = [each.text for each in queries]
        if query.text in texts:
            queries[texts.index(query.text)] = query
        else:
            queries.append(query)
    return query


def remove(settings: Settings, which: str) -> GoldenQuery:
    """Drop a query by its words or by its number in the list, which begins at 1.

    Raises:
        UsageError: there is no such query.
    """
    with editing(settings.home) as queries:
        texts = [each.text for each in queries]
        if which in texts:
            return queries.pop(texts.index(which))
        if which.isdecimal() and 1 <= int(which) <= len(queries):
            return queries.pop(int(which) - 1)
    raise UsageError(f"there is no golden query {which!r}: see `beast golden list`")
