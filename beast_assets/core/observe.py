"""Look at the disk: scan every root, hash what may have changed, and say what differs.

What is learnt is written to the ledger at once (the observed halves), so that a file that was only
touched, or hashed before it was settled, is hashed once more and then left alone.
"""

import gc
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from beast_assets.core import ids, progress, snapshot
from beast_assets.core.copies import find_copies
from beast_assets.core.files import RootHandle, open_root
from beast_assets.core.forgotten import excluded_paths, without
from beast_assets.core.guards import HeldBack, hold_back
from beast_assets.core.hashing import ChangedWhileReading, hash_stable
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import FileRow, Observed, Root, content_key
from beast_assets.core.planning import (
    Change,
    Comparison,
    Sifted,
    Suspect,
    changed,
    compare,
    removal,
    sift,
)
from beast_assets.core.roots import folder_identity
from beast_assets.core.scan import RootUnavailableError, scan_directories
from beast_assets.core.snapshot import Snapshot


@dataclass
class Observation:
    """What differs between the disk and the index.

    Attributes:
        changes: the files that differ.
        scanned: regular files after exclusions, in all roots that could be read.
        bytes_hashed: bytes read to tell whether suspects changed, by bucket.
        hash_seconds: what that took, by bucket.
        unavailable: why roots could not be scanned; their files are left as they are.
        held_back: removals that are not among the changes, because a guard does not trust them.
        unhashed: suspects beyond the budget: whether they changed is not known.
        roots: the roots that were looked at.
    """

    changes: list[Change] = field(default_factory=list)
    scanned: int = 0
    bytes_hashed: Counter[str] = field(default_factory=Counter)
    hash_seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    unavailable: list[str] = field(default_factory=list)
    held_back: list[HeldBack] = field(default_factory=list)
    unhashed: list[Suspect] = field(default_factory=list)
    roots: list[Root] = field(default_factory=list)


@dataclass(frozen=True)
class Trust:
    """Which recorded hashes may be believed, and how much may be read to check the others.

    Attributes:
        since_ns: hashes begun since then stand: the caller has held the writer lock from then on.
        rehash: believe none.
        rebuild: the whole index is to be written anew.
        hash_budget: bytes of suspects to read at the most. Of those beyond, the ones whose stat
            differs count as changed, and the run they lead to finds out.
        mass_delete: believe also that a root lost all or most of its files.
    """

    since_ns: int
    rehash: bool = False
    rebuild: bool = False
    hash_budget: int | None = None
    mass_delete: bool = False


def observe(ledger: Ledger, own: Collection[Path], bucket_count: int, trust: Trust) -> Observation:
    """Scan all roots and compare them with the ledger; the writer lock is held.

    Args:
        ledger: what is recorded.
        own: folders of ours (home, index), which are not indexed.
        bucket_count: of the index.
        trust: which recorded hashes stand.
    """
    roots = ledger.roots()
    seen = Observation(roots=roots)
    recorded = _Recorded.of(ledger, believe=not (trust.rehash or trust.rebuild))
    empty: set[str] = set()
    for root in roots:
        try:
            comparison = _compare_root(root, roots, recorded, own, trust)
            learnt = _check_suspects(root, comparison.suspects, seen, bucket_count, trust)
        except RootUnavailableError as error:
            seen.unavailable.append(str(error))
            continue
        seen.scanned += comparison.scanned
        if not comparison.scanned:
            empty.add(root.root_id)
        seen.changes += comparison.changes
        recorded.complete &= not (learnt or comparison.vanished)
        ledger.observe(learnt)
        ledger.forget(comparison.vanished)
    if not trust.mass_delete:
        _hold_back(seen, ledger, empty, trust.hash_budget)
    seen.changes += map(removal, recorded.of_other_roots({root.root_id for root in roots}))
    if not seen.unavailable:
        recorded.keep()
    return seen


def _hold_back(
    seen: Observation, ledger: Ledger, empty: Collection[str], budget: int | None
) -> None:
    paths = {root.root_id: root.path for root in seen.roots}
    seen.changes, seen.held_back = hold_back(
        seen.changes,
        seen.roots,
        ledger.count_indexed,
        empty,
        lambda lost, added: find_copies(lost, added, paths, budget),
    )


@dataclass
class _Recorded:
    """The ledger's rows, those that a scan will most likely confirm as bare stats.

    Attributes:
        quiet: root → what has to be found again; emptied by the comparison.
        loud: root → path → every other row.
        met: root → what was found again.
        complete: whether that is all, and no row was written since.
        kept: whether the ledger holds it in that form already.
        forgotten: absolute paths that stay out of the index.
    """

    ledger: Ledger
    quiet: dict[str, Snapshot]
    loud: dict[str, dict[bytes, FileRow]]
    complete: bool
    kept: bool
    forgotten: frozenset[bytes]
    met: dict[str, Snapshot] = field(default_factory=dict)

    @classmethod
    def of(cls, ledger: Ledger, believe: bool) -> "_Recorded":
        kept = snapshot.load(ledger.snapshot()) if believe else None
        loud: dict[str, dict[bytes, FileRow]] = defaultdict(dict)
        for row in ledger.loud() if believe else ledger.files():
            loud[row.root_id][row.path] = row
        quiet = kept if kept is not None else ledger.quiet() if believe else {}
        out = excluded_paths(ledger)
        return cls(ledger, quiet, loud, believe, kept=kept is not None, forgotten=out)

    def rows(self, root_id: str, sifted: Sifted) -> dict[bytes, FileRow]:
        """The rows to compare: those of odd entries, those not met, and all loud ones."""
        rows = self.loud.get(root_id, {})
        paths = [entry.path for entry in sifted.odd if entry.path not in rows]
        names = [ids.file_id(root_id, path) for path in (*paths, *sifted.unmet)]
        return rows | {row.path: row for row in self.ledger.named(names)}

    def of_other_roots(self, roots: Collection[str]) -> list[FileRow]:
        """All rows of roots that are registered no more."""
        others = (self.quiet.keys() | self.loud.keys()) - set(roots)
        self.complete &= not others
        return [row for row in self.ledger.files() if row.root_id in others] if others else []

    def keep(self) -> None:
        """Have the next scan read all that was found again in one go, in this scan's order."""
        if self.complete and not self.kept:
            self.ledger.keep_snapshot(snapshot.dump(self.met))


def _compare_root(
    root: Root,
    roots: Sequence[Root],
    recorded: _Recorded,
    own: Collection[Path],
    trust: Trust,
) -> Comparison:
    avoid = to_avoid(root, roots, own)
    quiet = recorded.quiet.get(root.root_id, {})
    # A scan makes hundreds of thousands of numbers and no cycle: looking for cycles costs a third.
    with collector_paused():
        listings = scan_directories(root.path, avoid=avoid)
        sifted = sift(without(listings, root.path, recorded.forgotten), quiet)
    recorded.met[root.root_id] = sifted.met
    recorded.complete &= sifted.complete
    found = compare(
        root.root_id,
        sifted.odd,
        recorded.rows(root.root_id, sifted),
        trusted_since_ns=trust.since_ns,
        rehash=trust.rehash,
        rebuild=trust.rebuild,
    )
    found.scanned += sifted.same
    return found


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep Python from looking for reference cycles meanwhile."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def to_avoid(root: Root, roots: Sequence[Root], own: Collection[Path]) -> set[tuple[int, int]]:
    """Folders that a scan of this root does not enter: other roots, and our own."""
    left_out = [*_inner_roots(root, roots), *map(bytes, own)]
    return {identity for path in left_out if (identity := folder_identity(path))}


def _inner_roots(root: Root, roots: Sequence[Root]) -> list[bytes]:
    # A root inside another is scanned once, as itself, so that each file belongs to one root.
    prefix = root.path.rstrip(b"/") + b"/"
    return [other.path for other in roots if other.path.startswith(prefix)]


def _check_suspects(
    root: Root,
    suspects: Sequence[Suspect],
    seen: Observation,
    bucket_count: int,
    trust: Trust,
) -> list[Observed]:
    """Hash what may have changed; returns what the ledger does not know yet."""
    learnt: list[Observed] = []
    if not suspects:
        return learnt
    left = trust.hash_budget
    with _available(root) as handle:
        for done, suspect in enumerate(suspects, 1):
            progress.tell("hash", done, len(suspects))
            if left is not None and suspect.entry.stat.size > left:
                seen.unhashed.append(suspect)
                # Left for a run where the times differ; one that only was not settled can wait.
                if suspect.entry.stat != suspect.row.stat:
                    seen.changes.append(changed(suspect))
                continue
            left = None if left is None else left - suspect.entry.stat.size
            began = perf_counter()
            found = _hash(handle.fd, suspect)
            if found is None:
                seen.changes.append(changed(suspect))
                continue
            if found != suspect.row.observed:
                learnt.append(found)
            if not (found.content or "").startswith("!"):
                bucket = ids.bucket_of(found.file_id, bucket_count)
                seen.bytes_hashed[bucket] += found.stat.size
                seen.hash_seconds[bucket] += perf_counter() - began
            if found.content != suspect.row.indexed:
                seen.changes.append(changed(suspect))
    return learnt


@contextmanager
def _available(root: Root) -> Iterator[RootHandle]:
    try:
        handle = open_root(root.path)
        with handle as opened:
            yield opened
    except OSError as error:
        raise RootUnavailableError(root.path, error) from error


def _hash(root_fd: int, suspect: Suspect) -> Observed | None:
    row = suspect.row
    try:
        result = hash_stable(root_fd, row.path)
    except ChangedWhileReading:
        return None
    except OSError as error:
        content = content_key(None, unreadable(error))
        hashed_ns = suspect.entry.stat.ctime_ns  # never settled: asked again by the next scan
        return Observed(
            row.file_id, row.root_id, row.path, True, suspect.entry.stat, hashed_ns, content
        )
    return Observed(
        row.file_id, row.root_id, row.path, True, result.stat, result.hashed_ns, result.sha256
    )


def unreadable(error: OSError) -> str:
    """Why a file could not be read, as a reason to keep."""
    return f"unreadable: {error.strerror or error}"
