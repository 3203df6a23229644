"""The planner is pure: for any disk and any ledger it names the differences, and nothing else."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from beast_assets.core import ids, snapshot
from beast_assets.core.ledger_rows import FileRow
from beast_assets.core.planning import ADDED, CHANGED, REMOVED, Comparison, Plan, compare, sift
from beast_assets.core.records import Entry, Listing, Stat
from beast_assets.core.snapshot import Snapshot

ROOT = ids.root_id(b"/root")
SECOND = 1_000_000_000
NOW = 1_000 * SECOND

names = st.sampled_from([bytes([letter]) for letter in b"abcdefgh"] + [b"d/x", b"d/y", b"\xff"])
stats = st.builds(
    Stat,
    size=st.integers(0, 2),
    mtime_ns=st.sampled_from([10 * SECOND, 20 * SECOND]),
    ctime_ns=st.sampled_from([10 * SECOND, 20 * SECOND]),
    inode=st.integers(1, 3),
)
problems = st.sampled_from([None, None, None, "symlink", "fifo"])
disks = st.dictionaries(names, st.tuples(stats, problems))
contents = st.sampled_from(["a" * 64, "b" * 64])


def row(name: bytes, stat: Stat, content: str, indexed: str | None, hashed_ns: int) -> FileRow:
    return FileRow(
        ids.file_id(ROOT, name), ROOT, name, True, *stat, hashed_ns, content, indexed,
        "indexed" if indexed else None, None, "text", 2 if indexed else 0, "digest",
    )  # fmt: skip


@st.composite
def ledgers(draw: st.DrawFn) -> dict[bytes, FileRow]:
    return {
        name: row(
            name,
            draw(stats),
            draw(contents),
            draw(st.one_of(st.none(), contents)),
            draw(st.sampled_from([11 * SECOND, 500 * SECOND])),
        )
        for name in draw(st.sets(names))
    }


def entries(disk: dict[bytes, tuple[Stat, str | None]]) -> list[Entry]:
    return [Entry(name, stat, problem) for name, (stat, problem) in disk.items()]


def listings(disk: dict[bytes, tuple[Stat, str | None]]) -> list[Listing]:
    """The same by directory, as a scan gives it."""
    found: dict[bytes, Listing] = {}
    for entry in entries(disk):
        above, slash, name = entry.path.rpartition(b"/")
        listing = found.setdefault(above + slash, Listing(above + slash, [], [], []))
        if entry.problem is None:
            listing.names.append(name)
            listing.stats.extend(entry.stat)
        else:
            listing.odd.append(entry)
    return list(found.values())


def packed(files: dict[bytes, Stat]) -> Snapshot:
    return snapshot.of_rows((path, *stat) for path, stat in files.items())


def unpacked(directories: Snapshot) -> list[tuple[bytes, Stat]]:
    return [
        (prefix + name, stat)
        for prefix, held in directories.items()
        for name, stat in held.files().items()
    ]


def run(disk: dict[bytes, tuple[Stat, str | None]], known: dict[bytes, FileRow]) -> Comparison:
    return compare(ROOT, entries(disk), known, trusted_since_ns=NOW)


@given(disks, ledgers())
def test_every_file_is_accounted_for_once(
    disk: dict[bytes, tuple[Stat, str | None]], known: dict[bytes, FileRow]
) -> None:
    found = run(disk, known)
    named = [change.path for change in found.changes]
    named += [suspect.row.path for suspect in found.suspects]
    forgotten = {row.path for row in known.values() if row.file_id in found.vanished}
    assert len(named) == len(set(named))
    assert not forgotten & set(named)
    left_alone = (disk.keys() | known.keys()) - set(named) - forgotten
    for name in left_alone:
        stat, problem = disk[name]
        if problem is None:
            assert known[name].stat == stat
            assert known[name].content == known[name].indexed
            assert known[name].hashed_ns >= max(stat.mtime_ns, stat.ctime_ns) + 2 * SECOND
        else:
            assert known[name].indexed == "!" + problem


@given(disks, ledgers())
def test_kinds_follow_from_what_is_indexed(
    disk: dict[bytes, tuple[Stat, str | None]], known: dict[bytes, FileRow]
) -> None:
    for change in run(disk, known).changes:
        was = change.path in known and known[change.path].indexed is not None
        expected = REMOVED if change.path not in disk else CHANGED if was else ADDED
        assert change.kind == expected
        assert change.file_id == ids.file_id(ROOT, change.path)


@given(disks, ledgers())
def test_suspects_are_never_known_to_differ(
    disk: dict[bytes, tuple[Stat, str | None]], known: dict[bytes, FileRow]
) -> None:
    for suspect in run(disk, known).suspects:
        stat, problem = disk[suspect.row.path]
        assert problem is None
        assert stat.size == suspect.row.size
        assert suspect.row.indexed is not None


@given(disks)
def test_what_was_taken_in_is_no_difference(disk: dict[bytes, tuple[Stat, str | None]]) -> None:
    known = {}
    for change in run(disk, {}).changes:
        content = (
            f"!{change.problem}" if change.problem else hashlib.sha256(change.path).hexdigest()
        )
        known[change.path] = row(change.path, change.stat, content, content, NOW)
    again = run(disk, known)
    assert (again.changes, again.suspects, again.vanished) == ([], [], [])
    rehash = compare(ROOT, entries(disk), known, trusted_since_ns=NOW + 1, rehash=True)
    regular = {name for name, (_, problem) in disk.items() if problem is None}
    assert {suspect.row.path for suspect in rehash.suspects} == regular
    rebuild = compare(ROOT, entries(disk), known, trusted_since_ns=NOW, rebuild=True)
    assert {change.path for change in rebuild.changes} == disk.keys()


@given(ledgers())
def test_what_lies_in_an_unreadable_directory_stays(known: dict[bytes, FileRow]) -> None:
    closed = [Entry(b"d", Stat(0, 0, 0, 0), "unreadable directory: Permission denied")]
    found = compare(ROOT, closed, known, trusted_since_ns=NOW)
    gone = {change.path for change in found.changes if change.kind == REMOVED}
    assert not [path for path in gone if path.startswith(b"d/")]


@given(disks, ledgers(), st.sets(st.sampled_from(ids.bucket_keys(16))))
def test_no_bucket_is_taken_without_the_other_end_of_a_move(
    disk: dict[bytes, tuple[Stat, str | None]], known: dict[bytes, FileRow], asked: set[str]
) -> None:
    plan = Plan.of(run(disk, known).changes, 16)
    taken = set(plan.closure(asked))
    assert asked <= taken <= asked | set(plan.buckets)
    places: dict[tuple[int, int, int], dict[str, set[str]]] = {}
    for bucket, inside in plan.changes.items():
        assert all(ids.bucket_of(change.file_id, 16) == bucket for change in inside)
        for change in inside:
            if change.kind != CHANGED:
                key = (change.stat.inode, change.stat.size, change.stat.mtime_ns)
                places.setdefault(key, {}).setdefault(change.kind, set()).add(bucket)
    for place in places.values():
        if len(place) == 2:
            ends = place[ADDED] | place[REMOVED]
            assert ends <= taken or not ends & taken


@given(disks, ledgers())
def test_sifting_changes_nothing_but_the_cost(
    disk: dict[bytes, tuple[Stat, str | None]], known: dict[bytes, FileRow]
) -> None:
    quiet = {
        name: row.stat
        for name, row in known.items()
        if row.content == row.indexed
        and row.hashed_ns - max(row.mtime_ns, row.ctime_ns) >= 2 * SECOND
    }
    loud = {name: row for name, row in known.items() if name not in quiet}
    sift_result = sift(listings(disk), packed(quiet))
    wanted = {entry.path for entry in sift_result.odd} | set(sift_result.unmet)
    rows = loud | {name: row for name, row in known.items() if name in wanted}
    sifted = compare(ROOT, sift_result.odd, rows, trusted_since_ns=NOW)
    sifted.scanned += sift_result.same
    whole = run(disk, known)
    assert sifted.scanned == whole.scanned
    assert set(sifted.changes) == set(whole.changes)
    assert set(sifted.suspects) == set(whole.suspects)
    assert set(sifted.vanished) == set(whole.vanished)


@given(disks, ledgers())
def test_what_sifting_met_is_complete_exactly_if_every_quiet_file_was_met(
    disk: dict[bytes, tuple[Stat, str | None]], known: dict[bytes, FileRow]
) -> None:
    quiet = {name: row.stat for name, row in known.items()}
    met = {name for name, stat in quiet.items() if disk.get(name) == (stat, None)}
    found = sift(listings(disk), packed(quiet))
    assert {path for path, _ in unpacked(found.met)} == met
    assert found.complete == (met == quiet.keys())


@given(disks)
def test_second_sifting_of_an_unchanged_disk_is_by_directory_alone(
    disk: dict[bytes, tuple[Stat, str | None]],
) -> None:
    quiet = {name: stat for name, (stat, problem) in reversed(disk.items()) if problem is None}
    first = sift(listings(disk), packed(quiet))
    assert first.complete
    again = sift(listings(disk), dict(first.met))
    assert again.met == first.met
    assert (again.same, again.unmet) == (len(quiet), [])
    assert all(entry.problem for entry in again.odd)


@given(disks)
def test_snapshots_survive_being_kept(disk: dict[bytes, tuple[Stat, str | None]]) -> None:
    files = {name: stat for name, (stat, _) in disk.items()}
    kept = snapshot.dump({ROOT: packed(files), "0" * 16: {}})
    loaded = snapshot.load(kept)
    assert loaded is not None
    assert dict(unpacked(loaded[ROOT])) == files
    assert loaded["0" * 16] == {}


@given(st.data())
def test_damaged_snapshots_are_not_read(data: st.DataObject) -> None:
    kept = snapshot.dump({ROOT: packed({b"d/a": Stat(1, 2, 3, 4), b"b": Stat(5, 6, 7, -8)})})
    assert snapshot.load(kept[: data.draw(st.integers(0, len(kept) - 1))]) is None
    place, bit = data.draw(st.integers(0, len(kept) - 1)), data.draw(st.integers(0, 7))
    flipped = bytearray(kept)
    flipped[place] ^= 1 << bit
    assert snapshot.load(bytes(flipped)) is None
    assert snapshot.load(None) is None
