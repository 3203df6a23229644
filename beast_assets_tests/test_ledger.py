"""The ledger on a real database: halves of rows, one commit point, what may be believed."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from beast_assets.core import ids
from beast_assets.core.errors import NoIndexError, RecipeMismatchError
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Indexed, Observed, Publication, Published
from beast_assets.core.records import Stat

ROOT = ids.root_id(b"/root")
SECOND = 1_000_000_000
STAT = Stat(5, 10 * SECOND, 20 * SECOND, -3)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.open(f"sqlite:///{tmp_path}/ledger.sqlite")


def observed(path: bytes, hashed_ns: int = 22 * SECOND, content: str | None = "a") -> Observed:
    return Observed(ids.file_id(ROOT, path), ROOT, path, True, STAT, hashed_ns, content)


def indexed(path: bytes, content: str = "a") -> Indexed:
    return Indexed(ids.file_id(ROOT, path), content, "indexed", None, "text", 2, "digest")


def publish(ledger: Ledger, *items: Indexed, removed: tuple[str, ...] = ()) -> None:
    published = Published("chunks_1", 7)
    ledger.publish(
        Publication(published, {"model": "m"}, indexed=list(items), removed=list(removed))
    )


def test_observation_does_not_touch_what_is_indexed(ledger: Ledger) -> None:
    ledger.observe([observed(b"f")])
    publish(ledger, indexed(b"f"))
    ledger.observe([observed(b"f", content="b")])
    (row,) = ledger.files()
    assert (row.content, row.indexed, row.chunks, row.stat) == ("b", "a", 2, STAT)
    assert ledger.published() == Published("chunks_1", 7)
    assert ledger.recipe() == {"model": "m"}


def test_odd_paths_come_back_as_they_were(ledger: Ledger) -> None:
    paths = {b"\xff\xfe", b"new\nline", b"a' OR '1'='1", b"x" * 5_000, b"\x00zero"}
    ledger.observe([observed(path) for path in paths])
    assert {row.path for row in ledger.files()} == paths


def test_quiet_and_loud_are_all_rows_and_quiet_is_the_settled_rule(ledger: Ledger) -> None:
    ledger.observe([observed(name) for name in (b"quiet", b"published-other", b"gone")])
    ledger.observe(
        [
            observed(b"unsettled", hashed_ns=22 * SECOND - 1),
            observed(b"not-hashed", content=None),
            observed(b"not-indexed"),
            observed(b"link")._replace(regular=False, content="!symlink"),
        ]
    )
    names = [b"quiet", b"unsettled", b"not-hashed"]
    publish(ledger, *map(indexed, names), indexed(b"published-other", "b"),
            indexed(b"link", "!symlink"), removed=(ids.file_id(ROOT, b"gone"),))  # fmt: skip
    (quiet,) = ledger.quiet()[ROOT].values()
    assert quiet.files() == {b"quiet": STAT}
    loud = {row.path for row in ledger.loud()}
    assert loud == {row.path for row in ledger.files()} - {b"quiet"}
    assert len(loud) == 5


@pytest.mark.parametrize(
    "write",
    [
        lambda ledger: ledger.observe([observed(b"g")]),
        lambda ledger: ledger.forget([ids.file_id(ROOT, b"f")]),
        lambda ledger: ledger.distrust([ids.file_id(ROOT, b"f")]),
        lambda ledger: ledger.distrust(None),
        lambda ledger: ledger.reconsider("larger%", but="larger than 2 bytes"),
        lambda ledger: ledger.outdate(["text"]),
        lambda ledger: ledger.unpublish(),
        lambda ledger: publish(ledger, indexed(b"f")),
        lambda ledger: publish(ledger, removed=(ids.file_id(ROOT, b"f"),)),
    ],
)
def test_snapshot_does_not_outlive_a_write_to_the_files(
    ledger: Ledger, write: Callable[[Ledger], None]
) -> None:
    ledger.observe([observed(b"f")])
    publish(ledger, indexed(b"f")._replace(reason="larger than 1 bytes"))
    ledger.keep_snapshot(b"one")
    ledger.keep_snapshot(b"two")
    ledger.observe([])
    ledger.forget([])
    ledger.reconsider("larger%", but="larger than 1 bytes")
    ledger.outdate(["another"])
    assert ledger.snapshot() == b"two"
    write(ledger)
    assert ledger.snapshot() is None


def test_names_are_looked_up_in_slices(ledger: Ledger) -> None:
    paths = [str(number).encode() for number in range(12_000)]
    ledger.observe([observed(path) for path in paths])
    wanted = [ids.file_id(ROOT, path) for path in paths] + ["absent"]
    assert len(ledger.named(wanted)) == 12_000
    assert ledger.file("absent") is None


def test_what_is_distrusted_is_to_be_indexed_again(ledger: Ledger) -> None:
    ledger.observe([observed(b"f"), observed(b"g")])
    publish(ledger, indexed(b"f"), indexed(b"g"))
    ledger.distrust([ids.file_id(ROOT, b"f")])
    assert {row.path for row in ledger.files() if row.indexed is None} == {b"f"}
    ledger.unpublish()
    assert ledger.published() is None
    assert {row.indexed for row in ledger.files()} == {None}


def test_reading_makes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with pytest.raises(NoIndexError, match="beast index DIR"):
        Ledger.open_existing(f"sqlite:///{path}")
    assert not path.exists()


def test_ledger_without_snapshots_is_brought_up_to_date(ledger: Ledger, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute("UPDATE meta SET value = '1' WHERE key = 'schema_version'")
        connection.execute("DROP TABLE snapshot")
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    assert Ledger.open_existing(url).meta("schema_version") == "1"
    assert Ledger.open(url).meta("schema_version") == "2"
    assert ledger.snapshot() is None


def test_another_schema_is_refused(ledger: Ledger, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
        connection.execute("UPDATE meta SET value = '0' WHERE key = 'schema_version'")
    connection.close()
    with pytest.raises(RecipeMismatchError, match="schema 0"):
        Ledger.open_existing(f"sqlite:///{tmp_path}/ledger.sqlite")


def test_file_is_private_and_in_wal_mode(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    assert path.stat().st_mode & 0o077 == 0
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()
