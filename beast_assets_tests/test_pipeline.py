"""Incremental behaviour of the engine, asserted by counting work, on a real index."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

import lancedb
import pytest

from beast_assets.core import ids
from beast_assets.core.cache import EmbeddingCache
from beast_assets.core.errors import HeldBackError, RecipeMismatchError
from beast_assets.core.home import cache_url
from beast_assets.core.ledger import Ledger
from beast_assets.core.report import Report
from beast_assets.core.search import Searcher
from beast_assets.core.session import Request
from beast_assets.core.settings import Settings
from beast_assets.core.text import EXTRACTORS
from beast_assets_tests.conftest import document, settle
from beast_assets_tests.homes import (
    add_root,
    clean_build,
    comparable,
    index,
    paths,
    published_rows,
)


def buckets(report: Report) -> list[str]:
    return [bucket.bucket for bucket in report.buckets]


def bucket_of(folder: Path, path: Path) -> str:
    return ids.bucket_of(
        ids.file_id(ids.root_id(bytes(folder)), bytes(path.relative_to(folder))), 16
    )


def file_in_bucket(folder: Path, bucket: str) -> Path:
    """A name for a new file that falls into this bucket."""
    names = (folder / f"new-{number}.md" for number in range(1_000))
    return next(path for path in names if bucket_of(folder, path) == bucket)


@pytest.fixture
def indexed(settings: Settings, docs: Path) -> Report:
    """The documents, settled and indexed."""
    settle()
    add_root(settings, docs)
    return index(settings)


def assert_as_a_clean_build(settings: Settings, tmp_path: Path) -> None:
    rows = published_rows(settings)
    assert len({row["chunk_id"] for row in rows}) == len(rows), "duplicates"
    assert comparable(rows) == clean_build(settings, tmp_path / "clean")


def test_first_run_counts_everything(indexed: Report, settings: Settings, docs: Path) -> None:
    work = indexed.work
    size = sum(path.stat().st_size for path in docs.rglob("*.md"))
    rows = published_rows(settings)
    assert (work.added, work.changed, work.removed, indexed.scanned) == (40, 0, 0, 40)
    assert work.bytes_hashed == size
    assert work.chunks_written == work.embedded + work.reused == len(rows)
    assert work.tokens_truncated == 0
    assert sum(bucket.holding.chunks for bucket in indexed.buckets) == len(rows)


def test_rows_tell_where_their_text_stands(indexed: Report, settings: Settings, docs: Path) -> None:
    for row in published_rows(settings):
        text = (docs / os.fsdecode(row["path"])).read_text()
        assert text[row["char_start"] : row["char_end"]] == row["text"]
        lines = text.split("\n")
        assert row["text"].split("\n")[0] in lines[row["line_start"] - 1]
        assert row["text"].split("\n")[-1] in lines[row["line_end"] - 1]


def test_nothing_changed_is_no_work(indexed: Report, settings: Settings) -> None:
    again = index(settings)
    assert buckets(again) == []
    assert again.work == Report().work
    assert again.version == indexed.version


def test_edit_touches_its_bucket_and_its_chunks(
    indexed: Report, settings: Settings, docs: Path, tmp_path: Path
) -> None:
    path = docs / "sub" / "note-20.md"
    before = Ledger.open(settings.ledger_url).totals()["chunks"]
    path.write_text(path.read_text() + "\nA line about walruses at the very end.\n")
    report = index(settings)
    assert buckets(report) == [bucket_of(docs, path)]
    assert (report.work.changed, report.work.added, report.work.removed) == (1, 0, 0)
    assert report.work.bytes_hashed == path.stat().st_size
    assert 1 <= report.work.embedded <= 2
    assert report.work.reused == report.work.chunks_written - report.work.embedded > 0
    assert abs(report.totals["chunks"] - before) <= 1
    assert_as_a_clean_build(settings, tmp_path)


@pytest.mark.parametrize("move", ["rename", "copy"])
def test_moved_or_copied_text_is_not_embedded(
    indexed: Report, settings: Settings, docs: Path, tmp_path: Path, move: str
) -> None:
    old, new = docs / "sub" / "note-20.md", docs / "moved.md"
    if move == "rename":
        old.rename(new)
    else:
        shutil.copy(old, new)
    report = index(settings)
    assert report.work.embedded == 0
    assert set(buckets(report)) <= {bucket_of(docs, old), bucket_of(docs, new)}
    assert b"moved.md" in paths(settings)
    assert (b"sub/note-20.md" in paths(settings)) == (move == "copy")
    assert_as_a_clean_build(settings, tmp_path)


def test_touch_is_no_change(indexed: Report, settings: Settings, docs: Path) -> None:
    path = docs / "note-00.md"
    path.touch()
    report = index(settings)
    assert buckets(report) == []
    settle()
    index(settings)
    assert index(settings).work.bytes_hashed == 0


def test_unsettled_file_is_indexed_at_once_and_hashed_once_more(
    settings: Settings, docs: Path
) -> None:
    add_root(settings, docs)
    assert index(settings).work.added == 40
    settle()
    size = sum(path.stat().st_size for path in docs.rglob("*.md"))
    from beast_assets.core.session import open_session

    with open_session(settings, Request()) as session:
        assert session.observation.bytes_hashed.total() == size
        assert session.changed_buckets() == []
    with open_session(settings, Request()) as session:
        assert session.observation.bytes_hashed.total() == 0


def test_deleted_file_leaves_no_row(
    indexed: Report, settings: Settings, docs: Path, tmp_path: Path
) -> None:
    path = docs / "sub" / "note-20.md"
    path.unlink()
    report = index(settings)
    assert report.work.removed == 1
    assert b"sub/note-20.md" not in paths(settings)
    assert report.totals["files"] == 39
    assert_as_a_clean_build(settings, tmp_path)


def test_edit_that_keeps_size_and_mtime_is_seen(
    indexed: Report, settings: Settings, docs: Path, tmp_path: Path
) -> None:
    path = docs / "note-03.md"
    stat, text = path.stat(), path.read_text()
    path.write_text(text.replace("Sentence", "SENTENCE"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    report = index(settings)
    assert report.work.changed == 1
    assert_as_a_clean_build(settings, tmp_path)


def test_changes_after_a_check_that_found_none_are_all_seen(
    indexed: Report, settings: Settings, docs: Path, tmp_path: Path
) -> None:
    """The second check reads what the first one kept: everything must still differ from it."""
    ledger = Ledger.open(settings.ledger_url)
    assert ledger.snapshot() is None
    index(settings)
    kept = ledger.snapshot()
    assert kept is not None
    assert index(settings).work == Report().work
    assert ledger.snapshot() == kept
    edited, deleted, moved, replaced, *_ = sorted(docs.rglob("*.md"))
    edited.write_text("edited\n")
    deleted.unlink()
    moved.rename(docs / "sub" / "moved.md")
    (docs / "new").mkdir()
    (docs / "new" / "note.md").write_text("new\n")
    replaced.unlink()
    replaced.symlink_to("elsewhere.md")
    work = index(settings).work
    # The file that became a link counts as removed: there is no text any more.
    assert (work.added, work.changed, work.removed) == (2, 1, 3)
    assert ledger.snapshot() is None
    assert_as_a_clean_build(settings, tmp_path)


def test_files_of_a_removed_root_go_although_the_others_are_unchanged(
    indexed: Report, settings: Settings, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "walrus.md").write_text("walrus\n")
    add_root(settings, other)
    index(settings)
    settle()
    index(settings)
    index(settings)
    ledger = Ledger.open(settings.ledger_url)
    assert ledger.snapshot() is not None
    ledger.remove_root(ids.root_id(bytes(other)))
    assert index(settings).work.removed == 1


def test_new_version_of_an_extractor_reads_its_own_files_again(
    settings: Settings, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (docs / "page.html").write_text("<p>A walrus on a page.</p>")
    (docs / "model.gguf").write_bytes(b"weights")
    settle()
    add_root(settings, docs)
    index(settings)
    rows = comparable(published_rows(settings))
    versions = dict(EXTRACTORS) | {"html": "2"}
    monkeypatch.setattr("beast_assets.core.recipe.EXTRACTORS", versions)
    work = index(settings).work
    assert (work.changed, work.added, work.embedded) == (1, 0, 0)
    assert comparable(published_rows(settings)) == rows
    assert index(settings).work == Report().work
    # A kind that gets its first reader: what was refused is looked at again, and nothing else.
    versions |= {"kinds": "99", "new": "1"}
    monkeypatch.setattr("beast_assets.core.recipe.EXTRACTORS", versions)
    work = index(settings).work
    assert (work.changed, work.bytes_hashed, work.chunks_written) == (1, 0, 0)
    assert index(settings).work == Report().work


def test_undone_edit_costs_no_embedding(indexed: Report, settings: Settings, docs: Path) -> None:
    path = docs / "note-03.md"
    text = path.read_text()
    rows = comparable(published_rows(settings))
    path.write_text(document(77, 3))
    assert index(settings).work.embedded > 0
    path.write_text(text)
    again = index(settings)
    assert (again.work.changed, again.work.embedded) == (1, 0)
    assert comparable(published_rows(settings)) == rows


def test_gaps_between_buckets_stay_gaps(indexed: Report, settings: Settings, docs: Path) -> None:
    edited: dict[str, Path] = {}
    for path in sorted(docs.rglob("*.md")):
        bucket = bucket_of(docs, path)
        if len(edited) < 4 and bucket not in edited:
            edited[bucket] = path
            path.write_text(path.read_text() + "\nchanged\n")
    report = index(settings)
    assert buckets(report) == sorted(edited)
    assert all(bucket.work.changed == 1 for bucket in report.buckets)
    assert len({bucket.holding.digest for bucket in report.buckets}) == 4


def test_asked_bucket_without_changes_is_reported_with_zero_work(
    indexed: Report, settings: Settings
) -> None:
    # Which buckets hold a file hangs on where the test's folder lies.
    before = {bucket.bucket: bucket.holding.digest for bucket in indexed.buckets}
    asked = min(before)
    report = index(settings, Request((asked,), only_changed=False))
    assert buckets(report) == [asked]
    assert report.work == Report().work
    assert report.version == indexed.version
    assert report.buckets[0].holding.digest == before[asked]


def test_asked_bucket_without_files_is_reported_too(tmp_path: Path, settings: Settings) -> None:
    (tmp_path / "docs").mkdir()
    report = index(settings, Request(("3",), only_changed=False))
    assert buckets(report) == ["3"]
    assert (report.work, report.buckets[0].holding.files) == (Report().work, 0)


def test_asked_bucket_leaves_other_changes_for_later(
    indexed: Report, settings: Settings, docs: Path, tmp_path: Path
) -> None:
    first, *others = sorted(docs.rglob("*.md"))
    second = next(path for path in others if bucket_of(docs, path) != bucket_of(docs, first))
    for path in (first, second):
        path.write_text(path.read_text() + "\nchanged\n")
    asked = index(settings, Request((bucket_of(docs, first),), only_changed=False))
    assert (buckets(asked), asked.work.changed) == ([bucket_of(docs, first)], 1)
    rest = index(settings)
    assert (buckets(rest), rest.work.changed) == ([bucket_of(docs, second)], 1)
    assert_as_a_clean_build(settings, tmp_path)


@pytest.mark.parametrize("asked", ["old", "new"])
def test_asking_for_one_end_of_a_move_takes_both(
    indexed: Report, settings: Settings, docs: Path, asked: str
) -> None:
    old = docs / "note-00.md"
    new = file_in_bucket(docs, "4" if bucket_of(docs, old) == "3" else "3")
    old.rename(new)
    bucket = bucket_of(docs, old if asked == "old" else new)
    report = index(settings, Request((bucket,), only_changed=False))
    assert set(buckets(report)) == {bucket_of(docs, old), bucket_of(docs, new)}
    assert bytes(new.name, "ascii") in paths(settings)
    assert b"note-00.md" not in paths(settings)


def test_open_reader_keeps_its_version(indexed: Report, settings: Settings, docs: Path) -> None:
    reader = Searcher(settings)
    (docs / "walrus.md").write_text("The walrus colony of the north.\n")
    for path in docs.glob("note-*.md"):
        path.unlink()
    index(settings)
    names = {Path(hit.path).name for hit in reader.search("walrus note topic", 50)}
    assert "walrus.md" not in names
    assert "walrus.md" in {Path(hit.path).name for hit in Searcher(settings).search("walrus", 3)}


def test_lost_index_is_restored_from_cached_vectors(
    indexed: Report, settings: Settings, tmp_path: Path
) -> None:
    rows = comparable(published_rows(settings))
    shutil.rmtree(settings.index_uri)
    report = index(settings)
    assert (report.work.embedded, report.work.added) == (0, 40)
    assert comparable(published_rows(settings)) == rows


def test_lost_ledger_is_rebuilt_from_the_disk(
    indexed: Report, settings: Settings, docs: Path
) -> None:
    rows = comparable(published_rows(settings))
    from beast_assets.core.database import engine_for

    engine_for(settings.ledger_url).dispose()
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"):
        (settings.home / name).unlink(missing_ok=True)
    engine_for.cache_clear()
    add_root(settings, docs)
    report = index(settings)
    assert report.work.embedded == 0
    assert comparable(published_rows(settings)) == rows


def test_rows_lost_and_rows_too_many_are_mended(
    indexed: Report, settings: Settings, docs: Path
) -> None:
    rows = comparable(published_rows(settings))
    published = Ledger.open(settings.ledger_url).published()
    assert published is not None
    table = lancedb.connect(settings.index_uri).open_table(published.table)
    some = table.to_arrow().slice(0, 5)
    table.delete("path = X'" + b"note-00.md".hex() + "'")
    table.add(some)
    Ledger.open(settings.ledger_url).republish(replace(published, version=table.version))
    report = index(settings)
    assert report.work.embedded == 0
    assert 0 < report.work.added < 40
    assert comparable(published_rows(settings)) == rows


def test_older_copy_of_the_index_is_brought_forward(
    indexed: Report, settings: Settings, docs: Path, tmp_path: Path
) -> None:
    shutil.copytree(settings.index_uri, tmp_path / "older")
    (docs / "note-00.md").write_text(document(50, 4))
    (docs / "sub" / "note-20.md").unlink()
    index(settings)
    shutil.rmtree(settings.index_uri)
    shutil.copytree(tmp_path / "older", settings.index_uri)
    report = index(settings)
    assert report.work.embedded == 0
    assert_as_a_clean_build(settings, tmp_path)


def test_other_recipe_is_refused_then_rebuilt_beside(indexed: Report, settings: Settings) -> None:
    other = replace(settings, chunk_chars=500)
    with pytest.raises(RecipeMismatchError, match="chars=1200.*chars=500.*--rebuild"):
        index(other)
    report = index(other, Request(rebuild=True))
    rows = published_rows(other)
    assert report.work.chunks_written == len(rows)
    assert max(len(row["text"]) for row in rows) <= 500
    assert buckets(index(other)) == []
    with pytest.raises(RecipeMismatchError):
        index(settings)


def test_rebuild_with_the_same_recipe_gives_the_same_rows(
    indexed: Report, settings: Settings
) -> None:
    rows = comparable(published_rows(settings))
    report = index(settings, Request(rebuild=True))
    assert report.work.embedded == 0
    assert comparable(published_rows(settings)) == rows


def test_missing_root_deletes_nothing(indexed: Report, settings: Settings, docs: Path) -> None:
    away = docs.with_name("away")
    docs.rename(away)
    report = index(settings)
    assert buckets(report) == []
    assert len(report.unavailable) == 1
    assert report.totals["files"] == 40
    with pytest.raises(HeldBackError):
        index(settings, Request(rebuild=True))


def test_removed_root_takes_its_files_along(
    indexed: Report, settings: Settings, docs: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "keep.md").write_text("Something to keep.\n")
    add_root(settings, other)
    index(settings)
    ledger = Ledger.open(settings.ledger_url)
    ledger.remove_root(ids.root_id(bytes(docs)))
    report = index(settings)
    assert report.work.removed == 40
    assert paths(settings) == {b"keep.md"}


def test_root_inside_a_root_is_indexed_once(settings: Settings, docs: Path) -> None:
    add_root(settings, docs / "sub")
    add_root(settings, docs)
    report = index(settings)
    assert report.scanned == 40
    assert len({row["chunk_id"] for row in published_rows(settings)}) == report.totals["chunks"]


def test_files_without_text_are_listed_with_a_reason(settings: Settings, docs: Path) -> None:
    (docs / "model.safetensors").write_bytes(os.urandom(5000))
    (docs / "picture.dat").write_bytes(b"\x00\x01\x02" * 100)
    (docs / "broken.txt").write_bytes(b"\xff\xfe\x00")
    (docs / "link.md").symlink_to("note-00.md")
    os.mkfifo(docs / "pipe")
    add_root(settings, docs)
    report = index(settings)
    rows = {row.path: row for row in Ledger.open(settings.ledger_url).files()}
    assert rows[b"model.safetensors"].reason == "model file"
    assert len(rows[b"model.safetensors"].indexed or "") == 64
    assert rows[b"picture.dat"].reason == "binary"
    assert rows[b"broken.txt"].status == "quarantined"
    assert (rows[b"link.md"].indexed, rows[b"pipe"].indexed) == ("!symlink", "!fifo")
    assert (report.scanned, report.totals["files"]) == (43, 43)
    assert (report.totals["skipped"], report.totals["quarantined"]) == (4, 1)
    settle()
    index(settings)
    assert index(settings).work == Report().work


def test_hostile_names_are_only_names(settings: Settings, docs: Path, tmp_path: Path) -> None:
    names = [b"a.md' OR '1'='1", b"new\nline.md", b"\xff\xfe.md", b'qu"ote.md', b"-", b"{{x}}.md"]
    for number, name in enumerate(names):
        (docs / os.fsdecode(name)).write_text(f"hostile{number} text of its own\n")
    add_root(settings, docs)
    index(settings)
    assert set(names) <= paths(settings)
    for name in names:
        (docs / os.fsdecode(name)).unlink()
    report = index(settings)
    assert report.work.removed == len(names)
    assert_as_a_clean_build(settings, tmp_path)
    assert report.totals["files"] == 40


def test_same_text_in_many_files_is_embedded_once(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    for number in range(30):
        (folder / f"{number}.txt").write_text("the very same text\n")
    add_root(settings, folder)
    report = index(settings)
    assert (report.work.embedded, report.work.reused) == (1, 29)
    assert len(published_rows(settings)) == 30
    assert EmbeddingCache(cache_url(settings), "hashing/1 words+trigrams crc32 256 l2").count() == 1


def test_rehash_reads_everything_and_finds_nothing(
    indexed: Report, settings: Settings, docs: Path
) -> None:
    report = index(settings, Request(rehash=True))
    assert buckets(report) == []
    from beast_assets.core.session import open_session

    with open_session(settings, Request(rehash=True)) as session:
        size = sum(path.stat().st_size for path in docs.rglob("*.md"))
        assert session.observation.bytes_hashed.total() == size


def test_bucket_count_is_fixed_when_the_index_is_made(settings: Settings, docs: Path) -> None:
    wide = replace(settings, buckets=256)
    add_root(wide, docs)
    report = index(wide)
    assert {len(bucket) for bucket in buckets(report)} == {2}
    (docs / "note-00.md").write_text(document(60))
    assert {len(bucket) for bucket in buckets(index(settings))} == {2}


def test_home_inside_a_root_is_not_indexed(docs: Path, settings: Settings) -> None:
    inside = replace(
        settings,
        home=docs / "home",
        ledger_url=f"sqlite:///{docs}/home/ledger.sqlite",
        index_uri=f"{docs}/home/index",
    )
    add_root(inside, docs)
    assert index(inside).scanned == 40
    assert index(inside).scanned == 40
