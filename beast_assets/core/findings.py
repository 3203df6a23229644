"""What ``beast verify`` found, and what has to be done about it."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from beast_assets.core.index import Row
from beast_assets.core.ledger_rows import FileRow
from beast_assets.core.words import one_line, show_path

#: Kinds of differences, in the order in which they are told.
KINDS = {
    "database": "the database's file is damaged",
    "unreadable": "the index cannot be read",
    "full_text": "the full-text index is absent or does not answer",
    "vector_index": "the vector index does not answer",
    "ledger": "a record contradicts itself",
    "orphan": "rows in the index that no record accounts for",
    "missing_rows": "rows are missing",
    "extra_rows": "there are rows too many",
    "duplicate": "rows stand in the index twice",
    "digest": "other rows than the recorded ones",
    "inconsistent": "a row contradicts its name or its file's record",
    "text": "a text is not what was indexed",
    "offsets": "a row does not say where its text stands",
    "uncovered": "characters are in no row",
    "truncated": "a text is longer than the model reads",
    "content": "the file's bytes are not those that were hashed, though its times are the same",
    "vector": "a vector is not that of its text",
    "uncached": "texts of the index have no cached vector",
    "cached_vector": "a cached vector is not that of its text",
}


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it should be.

    Attributes:
        kind: one of ``KINDS``.
        path: absolute, as text; empty where it is no file's.
        detail: what was found, against what.
    """

    kind: str
    path: str
    detail: str

    def line(self) -> str:
        """The same in words."""
        return f"{self.kind}: {one_line(self.path)}: {self.detail}".replace(": : ", ": ")


@dataclass
class Findings:
    """All that a verification found.

    Attributes:
        seed: which sample was taken.
        roots: root → its absolute path.
        pending: files that changed on disk since the last run, which is no damage.
        checked: how much was looked at: ``files``, ``rows``, ``files_read``, ``bytes_read``,
            ``texts_embedded``.
        wrong: files whose rows are to be written anew.
        misread: files whose recorded hash is not to be believed any more.
        misnamed: records to be dropped.
        uncached: files with texts that have no cached vector.
        bad_cached: SHA-256 of texts whose cached vector is wrong.
        lost: nothing of the index can be believed.
        damaged: databases that are damaged: ``ledger``, ``cache``.
    """

    seed: int
    roots: dict[str, bytes] = field(default_factory=dict)
    pending: int = 0
    checked: Counter[str] = field(default_factory=Counter)
    wrong: set[str] = field(default_factory=set)
    misread: set[str] = field(default_factory=set)
    misnamed: set[str] = field(default_factory=set)
    uncached: set[str] = field(default_factory=set)
    bad_cached: set[str] = field(default_factory=set)
    lost: bool = False
    damaged: set[str] = field(default_factory=set)
    _found: dict[tuple[str, str], Difference] = field(default_factory=dict)
    _files: set[tuple[str, str]] = field(default_factory=set)

    def file(self, kind: str, record: FileRow | Row, detail: str, rewrite: bool = True) -> None:
        """Note a difference of a file, the first of a kind; its rows are to be written anew."""
        key, root = (kind, record.file_id), self.roots.get(record.root_id, b"")
        shown = show_path(os.path.join(root, record.path))  # noqa: PTH118 bytes, not text
        self._found.setdefault(key, Difference(kind, shown, detail))
        self._files.add(key)
        if rewrite:
            self.wrong.add(record.file_id)

    def home(self, kind: str, detail: str, path: str = "") -> None:
        """Note a difference that is no single file's."""
        self._found.setdefault((kind, path), Difference(kind, path, detail))

    def files_with(self, kind: str) -> set[str]:
        """Names of the files that differ in this way."""
        if kind == "uncached":
            return self.uncached
        return {file for found, file in self._files if found == kind}

    @property
    def differences(self) -> list[Difference]:
        """All that is not as it should be, by kind and path."""
        order = list(KINDS)
        return sorted(self._found.values(), key=lambda one: (order.index(one.kind), one.path))

    def to_dict(self, repaired: Sequence[Difference] = ()) -> dict[str, Any]:
        """Plain data for JSON; ``repaired`` is what was found before a repair."""
        return {
            "ok": not self._found,
            "differences": [asdict(one) for one in self.differences],
            "repaired": [asdict(one) for one in repaired],
            "pending": self.pending,
            "checked": dict(self.checked),
            "seed": self.seed,
        }

    def lines(self, repaired: Sequence[Difference] = ()) -> list[str]:
        """The same in words."""
        checked = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in self.checked.items())
        pending = f"{self.pending} files changed since the last run" if self.pending else ""
        found = f"{len(self._found)} differences" if self._found else "no differences"
        advice = "`beast verify --repair` has what differs written anew" if self._found else ""
        return [
            *(f"repaired: {one.line()}" for one in repaired),
            *(one.line() for one in self.differences),
            *filter(None, [f"checked: {checked} (seed {self.seed})", pending, found, advice]),
        ]
