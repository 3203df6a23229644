"""What looks like a mistake is held back: a root that lost its files, a disk that is too small."""

import os
import shutil
import subprocess
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_assets.core import disk
from beast_assets.core.copies import find_copies
from beast_assets.core.database import scrub
from beast_assets.core.errors import HeldBackError
from beast_assets.core.guards import hold_back, is_suspicious
from beast_assets.core.home import cache_url
from beast_assets.core.ledger_rows import FileRow, Root
from beast_assets.core.planning import ADDED, REMOVED, Change
from beast_assets.core.records import Stat
from beast_assets.core.session import Request
from beast_assets.core.settings import Settings
from beast_assets.core.status import index_status
from beast_assets_tests.conftest import Beast
from beast_assets_tests.homes import add_root, index, paths, temporary_instance
from beast_assets_tests.test_sensor import asked, execute, skipped

ROOT = Root("0" * 16, b"/root")
ALLOWED = Request(allow_mass_delete=True)
MANY = 160


def change(kind: str, number: int) -> Change:
    """A file as its number says: inode, size and time; a removed one has a row."""
    path, stat = b"%d" % number, Stat(number, number, number, number)
    row = FileRow(
        str(number), ROOT.root_id, path, True, *stat, 0, "x", "x", "indexed", None, None, 1, None
    )
    name = str(number) if kind == REMOVED else f"new {number}"
    return Change(kind, name, ROOT.root_id, path, stat, row=row if kind == REMOVED else None)


def nothing_found(_: Sequence[Change], __: Sequence[Change]) -> Collection[str]:
    return ()


@given(st.integers(0, 400), st.integers(0, 400), st.integers(0, 400), st.booleans())
def test_more_than_a_hundred_and_a_fifth_is_held_back(
    lost: int, moved: int, stay: int, empty: bool
) -> None:
    removed = [change(REMOVED, number) for number in range(lost + moved)]
    added = [change(ADDED, number) for number in range(moved)]
    total = lost + moved + stay
    left, held = hold_back(
        removed + added, [ROOT], lambda _: total, {ROOT.root_id} if empty else (), nothing_found
    )
    suspicious = lost > 0 and (empty or (lost > 100 and lost * 5 > total))
    assert [(one.lost, one.indexed) for one in held] == ([(lost, total)] if suspicious else [])
    assert len(left) == 2 * moved + (0 if suspicious else lost)


def test_the_limits_themselves_are_let_through() -> None:
    assert not is_suspicious(100, 100, empty=False)
    assert not is_suspicious(200, 1_000, empty=False)
    assert is_suspicious(201, 1_000, empty=False)
    assert is_suspicious(1, 1, empty=True)
    assert not is_suspicious(0, 0, empty=True)


@pytest.fixture
def many(settings: Settings, tmp_path: Path) -> Path:
    """An indexed folder of many small files."""
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(MANY):
        (folder / f"{number:03}.md").write_text(f"Number {number} is about topic{number}.\n")
    add_root(settings, folder)
    index(settings)
    return folder


def held(settings: Settings) -> list[tuple[int, int]]:
    return [(one["lost"], one["indexed"]) for one in index_status(settings)["held_back"]]


def test_an_empty_mount_point_deletes_nothing(many: Path, settings: Settings) -> None:
    away = many.rename(many.with_name("away"))
    many.mkdir()
    report = index(settings)
    assert [(one["lost"], one["empty"]) for one in report.held_back] == [(MANY, True)]
    assert len(paths(settings)) == MANY
    assert held(settings) == [(MANY, MANY)]
    many.rmdir()
    away.rename(many)
    assert index(settings).held_back == []
    assert held(settings) == []
    assert len(paths(settings)) == MANY


def test_the_only_file_of_a_root_is_held_back_too(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "only.md").write_text("alone\n")
    add_root(settings, tmp_path / "one")
    index(settings)
    (tmp_path / "one" / "only.md").unlink()
    index(settings)
    assert paths(settings) == {b"only.md"}
    assert index(settings, ALLOWED).work.removed == 1
    assert paths(settings) == set()
    assert held(settings) == []


def test_a_mass_loss_is_held_back_while_edits_go_on(many: Path, settings: Settings) -> None:
    for number in range(101):
        (many / f"{number:03}.md").unlink()
    (many / "new.md").write_text("A walrus.\n")
    (many / "159.md").write_text("Another text.\n")
    report = index(settings)
    assert (report.work.removed, report.work.added, report.work.changed) == (0, 1, 1)
    assert [(one["lost"], one["indexed"]) for one in report.held_back] == [(101, MANY)]
    assert len(paths(settings)) == MANY + 1
    with pytest.raises(HeldBackError, match="allow-mass-delete"):
        index(settings, Request(rebuild=True))
    report = index(settings, ALLOWED)
    assert (report.work.removed, report.held_back) == (101, [])
    assert len(paths(settings)) == MANY + 1 - 101


def test_a_hundred_files_are_no_mass(many: Path, settings: Settings) -> None:
    for number in range(100):
        (many / f"{number:03}.md").unlink()
    assert index(settings).work.removed == 100


@pytest.mark.parametrize("way", ["renamed", "copied"])
def test_moved_files_are_not_lost(many: Path, settings: Settings, way: str) -> None:
    (many / "sub").mkdir()
    for path in sorted(many.glob("*.md"))[:120]:
        if way == "renamed":
            path.rename(many / "sub" / path.name)
        else:  # another inode, another time: only the content tells
            (many / "sub" / path.name).write_bytes(path.read_bytes())
            path.unlink()
    report = index(settings)
    assert (report.held_back, report.work.removed, report.work.added) == ([], 120, 120)
    assert len(paths(settings)) == MANY
    assert report.work.embedded == 0


def test_beyond_the_budget_the_run_decides(many: Path, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "copy.md").write_bytes((many / "000.md").read_bytes())
    size = (many / "000.md").stat().st_size
    lost = replace(change(REMOVED, 1), stat=Stat(size, 0, 0, 0))
    added = replace(change(ADDED, 1), path=b"copy.md", stat=Stat(size, 0, 0, 0))
    where = {ROOT.root_id: bytes(tmp_path)}
    assert find_copies([lost], [added], where) == set()  # its recorded content is another
    assert find_copies([lost], [added], where, budget=size - 1) == {"1"}


def test_command_says_what_it_held_back_and_does_it_when_told(
    beast: Beast, docs: Path, tmp_path: Path
) -> None:
    beast("index", docs)
    shutil.rmtree(docs)
    docs.mkdir()
    done = beast("index", code=3)
    assert b"40 of 40 stay in the index" in done.out
    assert b"beast index --allow-mass-delete" in done.out
    assert beast("status", "--json").json["held_back"][0]["lost"] == 40
    counts = beast("index", "--allow-mass-delete", "--json").json
    assert (counts["removed"], counts["chunks_total"], counts["held_back"]) == (40, 0, [])
    assert beast("status", "--json").json["held_back"] == []


def test_sensor_skips_what_is_held_back(many: Path, settings: Settings, tmp_path: Path) -> None:
    with temporary_instance(tmp_path) as instance:
        for number in range(120):
            (many / f"{number:03}.md").unlink()
        for _ in range(2):
            assert "120 of 160 stay in the index" in skipped(instance)
        (many / "new.md").write_text("A walrus.\n")
        execute(instance, asked(instance))
        assert b"new.md" in paths(settings)
        assert "120 of 161 stay" in skipped(instance)
        run = instance.get_run_records()[0].dagster_run
        assert any("120 of 160" in entry.user_message for entry in instance.all_logs(run.run_id))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with room for little more than the reserve."""
    place = tmp_path / "small"
    place.mkdir()
    size = disk.RESERVE + 8 * 2**20
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a disk can only be mounted by root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_too_small_refuses_before_anything_is_written(
    small_disk: Path, docs: Path, beast: Beast
) -> None:
    home = small_disk / "home"
    beast("index", docs, "--home", home)
    for number in range(4):
        (docs / f"long-{number}.md").write_text(f"Line {number} is like no other.\n" * 200_000)
    words = beast("index", "--home", home, "--json", code=3).json["error"]
    assert str(home) in words
    assert "MB free" in words
    assert beast("status", "--home", home, "--json").json["files"] == 40
    for number in range(4):  # as large, but nothing in it is to be written
        (docs / f"long-{number}.md").write_bytes(b"\0" * 6_000_000)
    counts = beast("index", "--home", home, "--json").json
    assert (counts["added"], counts["chunks_written"]) == (4, 0)


def test_a_sensor_asks_for_no_run_that_would_be_refused(
    many: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (many / "new.md").write_text("A walrus.\n")
    with temporary_instance(tmp_path) as instance:
        with monkeypatch.context() as patch:
            patch.setattr(disk, "RESERVE", 2**60)
            assert "MB free" in skipped(instance)
            with pytest.raises(HeldBackError):
                index(settings)
        assert isinstance(asked(instance), dg.RunRequest)


def test_the_estimate_is_near_what_is_written(settings: Settings, peps: Path) -> None:
    documents = [path for path in sorted(peps.rglob("pep-00*")) if path.is_file()]
    folder = settings.home.with_name("some")
    folder.mkdir()
    for path in documents:
        shutil.copy(path, folder)
    add_root(settings, folder)
    index(settings)
    written = 0
    for url in (settings.ledger_url, cache_url(settings)):
        scrub(url)
        written += Path(url.removeprefix("sqlite:///")).stat().st_size
    written += sum(path.stat().st_size for path in settings.home.glob("index/**/*"))
    expected = disk.estimate((path.stat().st_size for path in documents), dimension=256)
    assert 0.8 < expected / written < 1.6
