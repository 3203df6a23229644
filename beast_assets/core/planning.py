"""What is wanted against what is recorded: the differences, and nothing else. Pure.

``compare`` sets the entries of a scan against the ledger's rows and says which files differ for
certain and which have to be hashed before one can tell. ``Plan`` sorts the differences into
buckets.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from beast_assets.core import ids
from beast_assets.core.hashing import is_settled
from beast_assets.core.ledger_rows import FileRow, content_key
from beast_assets.core.records import UNREADABLE_DIRECTORY, Entry, Listing, Stat
from beast_assets.core.snapshot import NO_FILES, Held, Snapshot, held

ADDED = "added"
CHANGED = "changed"
REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Change:
    """A file in which the index differs from the disk.

    Attributes:
        kind: ``added``, ``changed`` or ``removed``.
        stat: as scanned; for a removed file as recorded.
        problem: why there is no content to read, if so.
        row: what the ledger has of it.
    """

    kind: str
    file_id: str
    root_id: str
    path: bytes
    stat: Stat
    problem: str | None = None
    row: FileRow | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """A file that may have changed: its content has to be hashed to tell."""

    row: FileRow
    entry: Entry


@dataclass
class Comparison:
    """What a scan of one root shows.

    Attributes:
        changes: files that differ for certain.
        suspects: files that may differ.
        vanished: names of rows that were never published and are gone: to be forgotten.
        closed: directories that cannot be listed; what was known below them stays.
        scanned: regular files met.
    """

    changes: list[Change] = field(default_factory=list)
    suspects: list[Suspect] = field(default_factory=list)
    vanished: list[str] = field(default_factory=list)
    closed: list[bytes] = field(default_factory=list)
    scanned: int = 0


@dataclass
class Sifted:
    """A scan with the unchanged files set aside.

    Attributes:
        odd: the entries to be compared with their rows.
        unmet: paths of files that were quiet and are not there any more.
        same: how many files were set aside.
        met: those, in the order of the scan.
        complete: whether they are all that was recorded as quiet.
    """

    odd: list[Entry] = field(default_factory=list)
    unmet: list[bytes] = field(default_factory=list)
    same: int = 0
    met: Snapshot = field(default_factory=dict)
    complete: bool = True


def sift(listings: Iterable[Listing], quiet: Snapshot) -> Sifted:
    """Set aside the files that are as recorded.

    Args:
        listings: all that the scan met; a directory may come twice.
        quiet: what is recorded of the root; empty afterwards.
    """
    found = Sifted()
    for listing in listings:
        known = quiet.pop(listing.prefix, NO_FILES)
        now = held(listing)
        if known == now:
            found.odd += listing.odd
            found.same += len(listing.names)
            found.met[listing.prefix] = now
        else:
            _sift_files(listing, known.files(), found)
    for prefix, known in quiet.items():
        found.unmet += [prefix + name for name in known.files()]
    found.complete = found.complete and not found.unmet
    quiet.clear()
    return found


def _sift_files(listing: Listing, recorded: dict[bytes, Stat], found: Sifted) -> None:
    """The same for a directory that is not as recorded, file by file."""
    prefix = listing.prefix
    names: list[bytes] = []
    stats: list[int] = []
    met = 0
    for entry in listing.entries():
        name = entry.path[len(prefix) :]
        known = recorded.pop(name, None)
        met += known is not None
        if known == entry.stat and entry.problem is None:
            names.append(name)
            stats += entry.stat
        else:
            found.odd.append(entry)
    found.same += len(names)
    found.unmet += [prefix + name for name in recorded]
    found.complete = found.complete and met == len(names)
    if names:
        found.met[prefix] = Held.of(names, stats)


def compare(
    root_id: str,
    entries: Iterable[Entry],
    rows: Mapping[bytes, FileRow],
    *,
    trusted_since_ns: int,
    rehash: bool = False,
    rebuild: bool = False,
) -> Comparison:
    """Set the entries of a root against its rows.

    Args:
        root_id: the root's name.
        entries: all that the scan met.
        rows: the ledger's rows of this root, by path.
        trusted_since_ns: a hash begun since then stands although its file was not settled: the
            holder of the writer lock made it itself.
        rehash: take no recorded hash on trust.
        rebuild: every file counts as changed.
    """
    found = Comparison()
    seen = set()
    for entry in entries:
        seen.add(entry.path)
        if entry.problem is not None and entry.problem.startswith(UNREADABLE_DIRECTORY):
            found.closed.append(entry.path)
        row = rows.get(entry.path)
        if entry.problem is None:
            found.scanned += 1
        if row is None:
            found.changes.append(_change(ADDED, root_id, entry, None))
        elif rebuild:
            found.changes.append(_change(_kind(row), root_id, entry, row))
        else:
            _compare_known(found, root_id, entry, row, trusted_since_ns, rehash)
    unknown = tuple(entry_path + b"/" for entry_path in found.closed)
    for path, row in rows.items():
        if path in seen or path.startswith(unknown):
            continue
        if row.indexed is None and not row.chunks:
            found.vanished.append(row.file_id)
        else:
            found.changes.append(removal(row))
    return found


def _compare_known(
    found: Comparison,
    root_id: str,
    entry: Entry,
    row: FileRow,
    trusted_since_ns: int,
    rehash: bool,
) -> None:
    kind = _kind(row)
    if entry.problem is not None:
        if row.indexed != content_key(None, entry.problem):
            found.changes.append(_change(kind, root_id, entry, row))
    elif row.indexed is None or row.size != entry.stat.size:
        found.changes.append(_change(kind, root_id, entry, row))
    elif not is_trusted(row, entry.stat, trusted_since_ns, rehash=rehash):
        found.suspects.append(Suspect(row, entry))
    elif row.content != row.indexed:
        found.changes.append(_change(kind, root_id, entry, row))


def is_trusted(row: FileRow, stat: Stat, trusted_since_ns: int, *, rehash: bool = False) -> bool:
    """Whether the recorded content may be taken for the file's without reading it.

    The rule: size, mtime, ctime and inode are the recorded ones, and the file had been at rest for
    two seconds when it was hashed, so that no later write can hide behind an equal time. A hash
    begun after ``trusted_since_ns`` stands in any case; with ``rehash`` no other does.
    """
    same = (
        row.size == stat.size
        and row.mtime_ns == stat.mtime_ns
        and row.ctime_ns == stat.ctime_ns
        and row.inode == stat.inode
    )
    if not same or row.content is None:
        return False
    # A clock that was ahead once must not keep a hash fresh for ever.
    fresh = trusted_since_ns <= row.hashed_ns <= time.time_ns()
    return fresh or (not rehash and is_settled(stat, row.hashed_ns))


def removal(row: FileRow) -> Change:
    """The change that takes a recorded file out of the index."""
    return Change(REMOVED, row.file_id, row.root_id, row.path, row.stat, row=row)


def _kind(row: FileRow) -> str:
    return ADDED if row.indexed is None else CHANGED


def _change(kind: str, root_id: str, entry: Entry, row: FileRow | None) -> Change:
    name = row.file_id if row is not None else ids.file_id(root_id, entry.path)
    return Change(kind, name, root_id, entry.path, entry.stat, entry.problem, row)


def changed(suspect: Suspect) -> Change:
    """The change of a suspect whose content turned out to differ."""
    return _change(CHANGED, suspect.row.root_id, suspect.entry, suspect.row)


@dataclass
class Plan:
    """The differences by bucket.

    Attributes:
        bucket_count: how many buckets the index has.
        changes: bucket → its changes, in the order of their paths.
    """

    bucket_count: int
    changes: dict[str, list[Change]]

    @classmethod
    def of(cls, changes: Iterable[Change], bucket_count: int) -> "Plan":
        """Sort changes into buckets."""
        by_bucket: dict[str, list[Change]] = defaultdict(list)
        for change in sorted(changes, key=lambda change: (change.root_id, change.path)):
            by_bucket[ids.bucket_of(change.file_id, bucket_count)].append(change)
        return cls(bucket_count, dict(sorted(by_bucket.items())))

    @property
    def buckets(self) -> list[str]:
        """The buckets in which something changed, in order."""
        return list(self.changes)

    def closure(self, buckets: Iterable[str]) -> list[str]:
        """These buckets and those that a moved file ties to them.

        A file that moved is removed in one bucket and added in another. Taking the one without the
        other would leave it unfindable, or findable twice.
        """
        ties = self._ties()
        wanted: set[str] = set()
        queue = list(buckets)
        while queue:
            bucket = queue.pop()
            if bucket not in wanted:
                wanted.add(bucket)
                queue.extend(ties.get(bucket, ()))
        return sorted(wanted)

    def _ties(self) -> dict[str, set[str]]:
        places: dict[tuple[int, int, int], dict[str, set[str]]] = defaultdict(
            lambda: defaultdict(set)
        )
        for bucket, changes in self.changes.items():
            for change in changes:
                if change.kind in (ADDED, REMOVED):
                    key = (change.stat.inode, change.stat.size, change.stat.mtime_ns)
                    places[key][change.kind].add(bucket)
        ties: dict[str, set[str]] = defaultdict(set)
        for place in places.values():
            if ADDED in place and REMOVED in place:
                linked = place[ADDED] | place[REMOVED]
                for bucket in linked:
                    ties[bucket] |= linked - {bucket}
        return ties
