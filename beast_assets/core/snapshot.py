"""What a scan has to find again, directory by directory, packed so that equal is one comparison.

A snapshot says of every file whose stat alone proves it unchanged (see ``Ledger.quiet``) what that
stat is. It is never a second truth: it is the answer to that query, kept beside the rows in the
order in which a scan meets the files, and dropped by every write to the rows.
"""

import hashlib
import struct
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from beast_assets.core.records import Listing, Stat

#: Stats are kept as this machine has them in memory.
_MAGIC: Final = f"beast snapshot 1 {sys.byteorder}\n".encode()
_LENGTHS: Final = struct.Struct("<III")
_PER_FILE: Final = len(Stat._fields)
_DIGEST_SIZE: Final = hashlib.sha256().digest_size


class Held(NamedTuple):
    """The files of one directory: names joined by ``/``, and their stats, 8 bytes a number."""

    names: bytes
    stats: bytes

    @classmethod
    def of(cls, names: list[bytes], stats: list[int]) -> "Held":
        """Pack names and, four a name, the numbers of their stats."""
        return cls(b"/".join(names), array("q", stats).tobytes())

    def files(self) -> dict[bytes, Stat]:
        """Name → stat."""
        numbers = iter(array("q", self.stats))
        stats = map(Stat._make, zip(*[numbers] * _PER_FILE, strict=True))
        return dict(zip(self.names.split(b"/"), stats, strict=True)) if self.stats else {}


NO_FILES: Final = Held(b"", b"")
#: Directory, as the beginning of its files' paths → its files.
Snapshot = dict[bytes, Held]


def held(listing: Listing) -> Held:
    """The regular files of a directory as they were just met."""
    return Held.of(listing.names, listing.stats)


def of_rows(rows: Iterable[tuple[bytes, int, int, int, int]]) -> Snapshot:
    """Pack ``(path, *stat)`` of files of one root."""
    names: dict[bytes, list[bytes]] = defaultdict(list)
    stats: dict[bytes, list[int]] = defaultdict(list)
    for path, *stat in rows:
        above, slash, name = path.rpartition(b"/")
        names[above + slash].append(name)
        stats[above + slash] += stat
    return {prefix: Held.of(found, stats[prefix]) for prefix, found in names.items()}


def dump(roots: Mapping[str, Snapshot]) -> bytes:
    """Snapshots by root, as bytes that know when they are damaged."""
    parts: list[bytes] = []
    for root, directories in roots.items():
        parts += _LENGTHS.pack(len(root), len(directories), 0), root.encode("ascii")
        for prefix, files in directories.items():
            parts += _LENGTHS.pack(*map(len, (prefix, *files))), prefix, *files
    body = b"".join(parts)
    return _MAGIC + hashlib.sha256(body).digest() + body


def load(data: bytes | None) -> dict[str, Snapshot] | None:
    """What was dumped; None if it is damaged, or of another kind of machine, or absent."""
    body_at = len(_MAGIC) + _DIGEST_SIZE
    if data is None or not data.startswith(_MAGIC):
        return None
    body = memoryview(data)[body_at:]
    if hashlib.sha256(body).digest() != data[len(_MAGIC) : body_at]:
        return None
    return _read(bytes(body))


def _read(body: bytes) -> dict[str, Snapshot]:
    roots: dict[str, Snapshot] = {}
    at = 0
    while at < len(body):
        length, count, _ = _LENGTHS.unpack_from(body, at)
        at += _LENGTHS.size
        directories = roots[body[at : at + length].decode("ascii")] = {}
        at += length
        for _ in range(count):
            prefix, names, stats = _LENGTHS.unpack_from(body, at)
            at += _LENGTHS.size
            middle, after = at + prefix, at + prefix + names
            directories[body[at:middle]] = Held(body[middle:after], body[after : after + stats])
            at = after + stats
    return roots
