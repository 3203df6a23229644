"""Whether a hit's file is still the one that was indexed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from beast_assets.core.files import RootHandle, open_root
from beast_assets.core.hashing import hash_stable
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import FileRow
from beast_assets.core.planning import is_trusted
from beast_assets.core.records import Stat

# No hash is as young as this: only settled ones are believed.
_NEVER = 2**63


class Source(NamedTuple):
    """The file of a hit: its root's absolute path, its own below that, both raw bytes."""

    file_id: str
    root: bytes
    path: bytes
    content_sha256: str


@dataclass
class Freshness:
    """Asks the disk, and reads a file only if its stat is another than the recorded one.

    What was found is remembered by stat, so that asking again costs a stat.
    """

    _ledger: Ledger
    _rows: dict[str, FileRow] = field(default_factory=dict)
    _read: dict[str, tuple[Stat, str]] = field(default_factory=dict)

    def stale(self, sources: Iterable[Source]) -> set[str]:
        """The names of the files that are no longer what was indexed, or cannot be read."""
        asked = {source.file_id: source for source in sources}
        unknown = [name for name in asked if name not in self._rows]
        self._rows.update({row.file_id: row for row in self._ledger.named(unknown)})
        stale: set[str] = set()
        for root, sources in _by_root(asked.values()).items():
            try:
                with open_root(root) as opened:
                    stale.update(one.file_id for one in sources if self._is_stale(opened, one))
            except OSError:
                stale.update(source.file_id for source in sources)
        return stale

    def _is_stale(self, root: RootHandle, source: Source) -> bool:
        try:
            stat = root.stat(source.path)
            content = self._content(source.file_id, stat)
            if content is None:
                content = hash_stable(root.fd, source.path).sha256
                self._read[source.file_id] = (stat, content)
        except OSError:
            return True
        return content != source.content_sha256

    def _content(self, name: str, stat: Stat) -> str | None:
        if name in self._read and self._read[name][0] == stat:
            return self._read[name][1]
        row = self._rows.get(name)
        return row.content if row is not None and is_trusted(row, stat, _NEVER) else None


def _by_root(sources: Iterable[Source]) -> dict[bytes, list[Source]]:
    found: dict[bytes, list[Source]] = {}
    for source in sources:
        found.setdefault(source.root, []).append(source)
    return found
