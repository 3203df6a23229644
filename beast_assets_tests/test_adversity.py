"""What goes wrong between the steps: things away, damaged, replaced, foreign, or oddly named."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import lancedb
import pytest

from beast_assets.core import ingest as ingesting
from beast_assets.core.database import engine_for
from beast_assets.core.embedding import load_embedder
from beast_assets.core.errors import HeldBackError, UsageError
from beast_assets.core.hashing import ChangedWhileReading
from beast_assets.core.home import cache_url
from beast_assets.core.ledger import Ledger
from beast_assets.core.maintenance import maintain
from beast_assets.core.reading import Content, read_content
from beast_assets.core.report import Report
from beast_assets.core.search import Searcher
from beast_assets.core.session import Request
from beast_assets.core.settings import Settings, load_settings
from beast_assets_tests.conftest import Beast
from beast_assets_tests.homes import (
    add_root,
    clean_build,
    comparable,
    index,
    paths,
    published_rows,
)

REBUILD = Request(rebuild=True)


@pytest.fixture
def indexed(settings: Settings, docs: Path) -> Report:
    add_root(settings, docs)
    return index(settings)


def test_rebuild_that_could_not_read_a_file_leaves_it_to_the_next_run(
    indexed: Report, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = read_content

    def unlucky(*words: object) -> Content | None:
        change = words[1]
        return None if getattr(change, "path", b"") == b"note-00.md" else real(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(ingesting, "read_content", unlucky)
    index(settings, REBUILD)
    assert b"note-00.md" not in paths(settings)
    monkeypatch.undo()
    monkeypatch.setenv("BEAST_HOME", str(settings.home))
    index(settings)
    assert b"note-00.md" in paths(settings)


def test_other_tables_of_the_same_database_are_left_alone(
    indexed: Report, settings: Settings, docs: Path
) -> None:
    database = lancedb.connect(settings.index_uri)
    database.create_table("my_own_table", [{"a": 1}])
    index(settings)
    (docs / "new.md").write_text("new\n")
    index(settings)
    index(settings, REBUILD)
    maintain(settings)
    assert "my_own_table" in database.list_tables().tables


def test_two_homes_may_share_a_database(settings: Settings, docs: Path, tmp_path: Path) -> None:
    shared = str(tmp_path / "shared")
    homes = [
        load_settings({"home": tmp_path / name, "index_uri": shared}) for name in ("one", "two")
    ]
    for home in homes:
        add_root(home, docs)
        index(home)
    rows = [comparable(published_rows(home)) for home in homes]
    assert rows[0] == rows[1]
    assert [index(home).work for home in homes][0] == Report().work


@pytest.mark.parametrize("name", ["ünï", "per%20cent", "a#b", "q?m", "back\\slash", "sp ace"])
def test_home_may_have_an_odd_name(docs: Path, tmp_path: Path, name: str) -> None:
    before = set(tmp_path.iterdir())
    odd = load_settings({"home": tmp_path / name})
    add_root(odd, docs)
    index(odd)
    (docs / "walrus.md").write_text("walrus\n")
    index(odd)
    maintain(odd)
    assert b"walrus.md" in paths(odd)
    assert Path(Searcher(odd).search("walrus", 1)[0].path).name == "walrus.md"
    assert (tmp_path / name / "ledger.sqlite").exists()
    assert set(tmp_path.iterdir()) - before == {tmp_path / name}


def test_relative_places_do_not_move_with_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEAST_INDEX_URI", "here/index")
    monkeypatch.setenv("BEAST_LEDGER_URL", "sqlite:///here/ledger.sqlite")
    found = load_settings()
    assert found.index_uri == str(tmp_path / "here/index")
    assert found.ledger_url == f"sqlite:///{tmp_path}/here/ledger.sqlite"


def test_lost_full_text_index_is_built_again(indexed: Report, settings: Settings) -> None:
    for folder in Path(settings.index_uri).glob("*.lance/_indices"):
        shutil.rmtree(folder)
    index(settings)
    assert Path(Searcher(settings).search("topic17x2y5", 1)[0].path).name == "note-17.md"
    assert index(settings).work == Report().work


def test_another_limit_for_texts_is_another_look(settings: Settings, docs: Path) -> None:
    small = replace(settings, max_text_bytes=1_000)
    add_root(small, docs)
    assert index(small).totals["skipped"] > 0
    report = index(settings)
    assert report.totals["skipped"] == 0
    assert index(settings).work == Report().work


def test_lost_index_is_restored_whole_whatever_is_asked(
    indexed: Report, settings: Settings
) -> None:
    rows = comparable(published_rows(settings))
    shutil.rmtree(settings.index_uri)
    index(settings, Request(("3",), only_changed=False))
    assert comparable(published_rows(settings)) == rows


def test_home_and_index_inside_a_root_are_not_indexed(docs: Path, tmp_path: Path) -> None:
    inside = load_settings({"home": tmp_path / "h", "index_uri": docs / "index"})
    add_root(inside, docs)
    assert index(inside).scanned == 40
    (docs / "new.md").write_text("new\n")
    assert index(inside).scanned == 41
    with pytest.raises(UsageError, match="belongs to the home"):
        add_root(inside, tmp_path / "h" / "dagster")


def test_removed_root_is_hidden_at_once(indexed: Report, settings: Settings, docs: Path) -> None:
    ledger = Ledger.open(settings.ledger_url)
    ledger.remove_root(ledger.roots()[0].root_id)
    assert not Searcher(settings).search("topic17x2y5", 5)


def test_root_that_became_a_link_is_the_same_root(
    beast: Beast, docs: Path, settings: Settings
) -> None:
    beast("index", docs)
    docs.rename(docs.with_name("moved"))
    docs.symlink_to("moved")
    assert beast("index", docs, "--json").json["scanned"] == 40
    assert len(beast("roots", "list", "--json").json["roots"]) == 1
    assert beast("roots", "remove", docs, "--json").json["removed"] == str(docs)


def test_damaged_cache_is_put_aside(indexed: Report, settings: Settings, docs: Path) -> None:
    engine_for(cache_url(settings)).dispose()
    engine_for.cache_clear()
    path = settings.home / "embeddings.sqlite"
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_bytes(b"no database" * 1_000)
    (docs / "new.md").write_text("new\n")
    assert index(settings).work.embedded == 1
    assert (settings.home / "embeddings.sqlite.damaged-1").exists()


def test_file_that_goes_away_before_it_is_read_is_no_row(
    settings: Settings, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_root(settings, docs)
    real = read_content

    def late(*words: object) -> Content | None:
        (docs / "note-00.md").unlink(missing_ok=True)
        return real(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(ingesting, "read_content", late)
    report = index(settings)
    assert (report.totals["files"], report.totals["quarantined"]) == (39, 0)
    assert index(settings).work == Report().work


def test_root_that_goes_away_before_it_is_read_can_wait(
    settings: Settings, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_root(settings, docs)
    real = load_embedder
    away = docs.with_name("away")

    def late(*words: object, **more: object) -> object:
        docs.rename(away)
        return real(*words, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(ingesting, "run_embedder", late)
    assert index(settings).totals["files"] == 0
    monkeypatch.undo()
    away.rename(docs)
    assert index(settings).totals["files"] == 40


def test_file_that_keeps_changing_keeps_its_rows(
    indexed: Report, settings: Settings, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from beast_assets.core import reading

    def busy(*words: object) -> None:
        raise ChangedWhileReading(b"note-00.md")

    (docs / "note-00.md").write_text("new words\n")
    monkeypatch.setattr(reading, "read_stable", busy)
    index(settings)
    assert b"note-00.md" in paths(settings)
    monkeypatch.undo()
    assert index(settings).work.changed == 1


def test_file_replaced_by_a_link_counts_as_removed(
    indexed: Report, settings: Settings, docs: Path
) -> None:
    (docs / "note-00.md").unlink()
    (docs / "note-00.md").symlink_to("note-03.md")
    report = index(settings)
    assert (report.work.removed, report.totals["files"]) == (1, 39)
    assert b"note-00.md" not in paths(settings)


def test_file_and_directory_change_places(
    indexed: Report, settings: Settings, docs: Path, tmp_path: Path
) -> None:
    (docs / "note-00.md").unlink()
    (docs / "note-00.md").mkdir()
    (docs / "note-00.md" / "inner.md").write_text("inner\n")
    shutil.rmtree(docs / "sub")
    (docs / "sub").write_text("a file now\n")
    index(settings)
    assert comparable(published_rows(settings)) == clean_build(settings, tmp_path / "clean")


def test_rebuild_with_a_root_away_is_held_back_without_a_run(
    beast: Beast, docs: Path, settings: Settings
) -> None:
    beast("index", docs)
    docs.rename(docs.with_name("away"))
    assert "root is away" in beast("index", "--rebuild", code=3).err
    with pytest.raises(HeldBackError):
        index(settings, REBUILD)


def test_status_names_the_model_of_the_index(beast: Beast, docs: Path) -> None:
    beast("index", docs)
    status = beast("status", "--json", BEAST_MODEL="all-MiniLM-L6-v2").json
    assert status["model"] == "hashing"


@pytest.mark.parametrize(
    ("words", "environment", "code"),
    [
        (["index", "loop"], {}, 2),
        (["index", ".", "--home", "/etc/passwd"], {}, 1),
        (["status"], {"BEAST_LEDGER_URL": "garbage"}, 2),
        (["status"], {"BEAST_LEDGER_URL": "mysql://x/y"}, 2),
        (["config", "nosuch"], {}, 2),
        (["search", b"caf\xe9"], {}, 0),
        (["manifest", "--output", "/nowhere/x"], {}, 1),
    ],
)
def test_errors_are_words_and_an_object(
    beast: Beast,
    docs: Path,
    tmp_path: Path,
    words: list[str],
    environment: dict[str, str],
    code: int,
) -> None:
    (tmp_path / "loop").symlink_to("loop")
    beast("index", docs)
    done = beast(*words, "--json", code=code, **environment)
    assert "Traceback" not in done.err
    assert code == 0 or (done.json["exit_code"], bool(done.json["error"])) == (code, True)


def test_ledger_that_is_no_database_is_said(beast: Beast, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "ledger.sqlite").write_bytes(b"nonsense" * 1_000)
    done = beast("status", "--json", code=1)
    assert "database" in done.json["error"]


CRASH = """
import os, sys
from beast_assets.core import index, ledger, cache
from beast_assets.core.settings import load_settings
from beast_assets.core.session import Request
from beast_assets.core.pipeline import run_index

owner, name, when, nth = sys.argv[1:5]
target = {"index": index.ChunkIndex, "ledger": ledger.Ledger, "cache": cache.EmbeddingCache}[owner]
real = getattr(target, name)
calls = 0

def dying(*words, **more):
    global calls
    calls += 1
    if calls == int(nth) and when == "before":
        os._exit(9)
    result = real(*words, **more)
    if calls == int(nth) and when == "after":
        os._exit(9)
    return result

setattr(target, name, classmethod(lambda cls, *w: dying(*w)) if name == "create" else dying)
run_index(load_settings(), Request(rebuild="--rebuild" in sys.argv), run_id="crash")
"""

POINTS = [
    ("index", "begin", "after", 1),
    ("cache", "put", "before", 2),
    ("cache", "put", "after", 2),
    ("index", "add", "before", 1),
    ("index", "add", "after", 1),
    ("index", "delete_older", "before", 1),
    ("index", "delete_older", "after", 1),
    ("index", "finish", "after", 1),
    ("ledger", "observe", "after", 1),
    ("ledger", "publish", "before", 1),
    ("ledger", "publish", "after", 1),
    ("ledger", "record_run", "before", 1),
]


@pytest.mark.parametrize(
    "rebuild", [False, pytest.param(True, marks=pytest.mark.proof)], ids=["update", "rebuild"]
)
@pytest.mark.parametrize("point", POINTS, ids=lambda point: "-".join(map(str, point[1:])))
def test_death_at_each_write_ends_in_a_clean_build(
    indexed: Report,
    settings: Settings,
    docs: Path,
    tmp_path: Path,
    point: tuple[str, str, str, int],
    rebuild: bool,
) -> None:
    if rebuild and point[1] in ("begin", "put"):
        pytest.skip("a rebuild starts a new table, and has its vectors")
    old = {row["path"]: row["text"] for row in published_rows(settings)}
    for number in range(0, 40, 3):
        (docs / f"note-{number:02}.md").write_text(f"Another text {number}.\n" * 30)
    (docs / "sub" / "note-20.md").unlink()
    command = [sys.executable, "-c", CRASH, *map(str, point)]
    environment = os.environ | {"BEAST_EMBED_BATCH": "4"}
    died = subprocess.run(
        [*command, "--rebuild"] if rebuild else command, env=environment, capture_output=True
    )
    assert died.returncode == 9, died.stderr.decode()
    seen = {row["path"] for row in published_rows(settings)}
    assert (b"sub/note-20.md" in seen) == (b"sub/note-20.md" in old and not _published(point))
    index(settings)
    rows = published_rows(settings)
    assert len({row["chunk_id"] for row in rows}) == len(rows)
    assert comparable(rows) == clean_build(settings, tmp_path / "clean")


def _published(point: tuple[str, str, str, int]) -> bool:
    return point[1:3] == ("publish", "after") or point[1] == "record_run"
