"""Deleted means gone: a file's words and vectors, searched for byte by byte in the home."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import lancedb
import numpy as np
import pytest

from beast_assets.core import database
from beast_assets.core.cache import EmbeddingCache
from beast_assets.core.database import scrub
from beast_assets.core.embedding.fingerprints import HASHING_FINGERPRINT
from beast_assets.core.embedding.hashing_backend import HashingEmbedder
from beast_assets.core.errors import BeastError, IndexDamagedError, NoIndexError, UsageError
from beast_assets.core.forget import forget, remember
from beast_assets.core.forgotten import covers, forgotten, forgotten_by, pending_paths
from beast_assets.core.home import cache_url, lock_path
from beast_assets.core.index import ChunkIndex, words_index
from beast_assets.core.ledger import Ledger
from beast_assets.core.lock import writer_lock
from beast_assets.core.maintenance import maintain
from beast_assets.core.purge import Retention, retention_of
from beast_assets.core.report import Report
from beast_assets.core.search import Searcher
from beast_assets.core.settings import Settings
from beast_assets_tests.conftest import Beast, document
from beast_assets_tests.homes import add_root, clean_build, comparable, index, paths, published_rows

# Words that nothing else holds, in the form that the full-text index keeps them too.
WORDS = [f"zq{number}xylograf" for number in range(40)]
SECRET = "\n".join(f"The {word} lies behind the {word[::-1]}." for word in WORDS) + "\n"
DAY = timedelta(days=1)
NOW = Retention(timedelta(0), timedelta(0))


@pytest.fixture
def planted(settings: Settings, docs: Path) -> Path:
    """A secret among other documents; the index has a history."""
    (docs / "secret.md").write_text(SECRET)
    add_root(settings, docs)
    index(settings)
    (docs / "note-03.md").write_text(document(103, 3))
    index(settings)
    return docs / "secret.md"


def secret_vectors(settings: Settings) -> list[bytes]:
    """The vectors of the secret as the home holds them, float16."""
    texts = [row["text"] for row in published_rows(settings) if row["path"] == b"secret.md"]
    assert texts
    return [vector.astype(np.float16).tobytes() for vector in HashingEmbedder().encode(texts)]


def traces(home: Path, vectors: list[bytes]) -> list[str]:
    """Every place in the home that still holds a word or a vector, compressed blocks included."""
    needles = {word.encode() for word in WORDS} | {word[::-1].encode() for word in WORDS}
    found = []
    for path in sorted(home.rglob("*")):
        data = path.read_bytes() if path.is_file() else b""
        if any(needle in data for needle in [*needles, *vectors]):
            found.append(str(path.relative_to(home)))
    return found + traces_in_tables(home)


def traces_in_tables(home: Path) -> list[str]:
    """Old data that is compressed on the disk: rows of any version, files that no version names."""
    found = []
    connection = lancedb.connect(home / "index")
    for name in connection.list_tables().tables:
        table = connection.open_table(name)
        for version in [one["version"] for one in table.list_versions()]:
            table.checkout(version)
            rows = table.to_arrow().to_pylist()
            if any(word in row["text"] for row in rows for word in WORDS):
                found.append(f"{name} version {version}")
        table.checkout_latest()
        if table.count_rows() < physical_rows(table):
            found.append(f"{name} holds dead rows")
        if dictionaries(home / "index" / f"{name}.lance") != dictionaries_anew(table):
            found.append(f"{name} has other words in its full-text index than in its rows")
    return found


def dictionaries(folder: Path) -> list[bytes]:
    """The words of all full-text indices of a table, compressed as they are."""
    return [path.read_bytes() for path in sorted(folder.glob("_indices/*/*tokens*"))]


def dictionaries_anew(table: lancedb.table.LanceTable) -> list[bytes]:
    """The same for an index that never saw anything but the rows in view."""
    rows = table.to_arrow()
    if not len(rows):
        return []
    with tempfile.TemporaryDirectory() as folder:
        lancedb.connect(folder).create_table("x", rows).create_index("text", config=words_index())
        return dictionaries(Path(folder) / "x.lance")


def physical_rows(table: lancedb.table.LanceTable) -> int:
    """Rows in the data files, deleted or not."""
    fragments = table.stats()["fragment_stats"]
    return int(fragments["lengths"]["mean"] * fragments["num_fragments"])


def test_the_search_for_traces_finds_them(planted: Path, settings: Settings) -> None:
    vectors = secret_vectors(settings)
    planted.unlink()
    index(settings)
    left = traces(settings.home, vectors)
    assert any("sqlite" in place for place in left)
    assert any("full-text" in place for place in left)
    assert any("version" in place for place in left)
    assert any("dead rows" in place for place in left)


def test_forgotten_after_it_was_deleted(planted: Path, settings: Settings, tmp_path: Path) -> None:
    vectors = secret_vectors(settings)
    planted.unlink()
    index(settings)
    done = forget(settings, [bytes(planted)])
    assert (done.files, done.chunks, done.excluded) == (0, 0, [])
    assert done.vectors >= len(vectors)
    assert traces(settings.home, vectors) == []
    assert index(settings).work == Report().work
    planted.with_name("note-09.md").write_text(document(109, 3))
    assert index(settings).work.changed == 1
    assert comparable(published_rows(settings)) == clean_build(settings, tmp_path / "clean")


def test_forgotten_while_it_exists_stays_out(planted: Path, settings: Settings) -> None:
    vectors = secret_vectors(settings)
    done = forget(settings, [bytes(planted)])
    assert (done.files, done.chunks, done.excluded) == (1, len(vectors), [bytes(planted)])
    assert traces(settings.home, vectors) == []
    assert index(settings).work == Report().work
    assert b"secret.md" not in paths(settings)
    ledger = Ledger.open(settings.ledger_url)
    assert forgotten_by(ledger, bytes(planted)) == bytes(planted)
    assert forgotten_by(ledger, bytes(planted.with_name("note-03.md"))) is None
    assert remember(settings, [bytes(planted)]) == [bytes(planted)]
    assert index(settings).work.added == 1
    assert b"secret.md" in paths(settings)
    with pytest.raises(UsageError, match="not forgotten"):
        remember(settings, [bytes(planted)])


def test_maintenance_with_no_retention_purges(planted: Path, settings: Settings) -> None:
    vectors = secret_vectors(settings)
    planted.unlink()
    index(settings)
    done = maintain(replace(settings, retention_days=0))
    assert (done.purged, done.tables_removed) == (True, 1)
    assert done.vectors_removed >= len(vectors)
    assert traces(settings.home, vectors) == []
    assert index(settings).work == Report().work


def test_an_edited_passage_goes_as_well(planted: Path, settings: Settings) -> None:
    vectors = secret_vectors(settings)
    planted.write_text("Nothing is hidden here.\n")
    index(settings)
    assert traces(settings.home, vectors)
    maintain(settings, retention=NOW)
    assert traces(settings.home, vectors) == []


def test_what_is_young_stays_and_what_is_old_goes(planted: Path, settings: Settings) -> None:
    vectors = secret_vectors(settings)
    planted.unlink()
    index(settings)
    done = maintain(settings, retention=Retention(DAY, DAY))
    assert (done.purged, done.vectors_removed) == (False, 0)
    assert traces(settings.home, vectors)
    days_pass(settings, 2)
    done = maintain(settings, retention=Retention(DAY, DAY))
    assert done.purged
    assert done.vectors_removed >= len(vectors)
    assert any("version" in place for place in traces(settings.home, vectors))  # for its readers
    days_pass(settings, 2)
    assert maintain(settings, retention=Retention(DAY, DAY)).tables_removed == 1
    assert traces(settings.home, vectors) == []


def days_pass(settings: Settings, days: int) -> None:
    """Put what is recorded into the past."""
    import json

    ledger, earlier = Ledger.open(settings.ledger_url), days * 86_400 * 10**9
    if since := ledger.meta("dead_since"):
        ledger.set_meta("dead_since", str(int(since) - earlier))
    retired = json.loads(ledger.meta("retired") or "{}")
    ledger.set_meta("retired", json.dumps({name: at - earlier for name, at in retired.items()}))
    with closing(sqlite3.connect(settings.home / "embeddings.sqlite")) as cache, cache:
        cache.execute("UPDATE unused_texts SET since_ns = since_ns - ?", (earlier,))


def test_a_text_that_returns_in_time_is_not_embedded_again(
    planted: Path, settings: Settings
) -> None:
    planted.unlink()
    index(settings)
    maintain(settings, retention=Retention(DAY, DAY))
    planted.write_text(SECRET)
    assert index(settings).work.embedded == 0
    days_pass(settings, 2)
    maintain(settings, retention=Retention(DAY, DAY))  # unused then, used now
    texts = {row["text_sha256"] for row in published_rows(settings)}
    cache = EmbeddingCache(cache_url(settings), HASHING_FINGERPRINT)
    assert cache.get(sorted(texts)).keys() == texts


def test_retention_leaves_time_for_the_nights_between(settings: Settings) -> None:
    kept = retention_of(replace(settings, retention_days=7))
    # One night until it is noticed, one more until the old table's readers are over, and a margin.
    assert kept.grace + kept.keep + 2 * DAY <= 7 * DAY
    assert retention_of(replace(settings, retention_days=1)) == NOW


def test_a_folder_and_what_shares_its_texts(planted: Path, settings: Settings) -> None:
    shutil.copy(planted, planted.parent / "sub" / "copy.md")
    index(settings)
    before = len(paths(settings))
    below = len([path for path in paths(settings) if path.startswith(b"sub/")])
    done = forget(settings, [bytes(planted.parent / "sub")])
    assert done.files == below
    assert len(paths(settings)) == before - below
    assert b"secret.md" in paths(settings)
    (planted.parent / "sub" / "new.md").write_text("A walrus.\n")
    (planted.parent / "submarine.md").write_text("A walrus under water.\n")
    index(settings)
    assert not [path for path in paths(settings) if path.startswith(b"sub/")]
    assert b"submarine.md" in paths(settings)
    # The vectors of a text that another file holds are still there.
    planted.touch()
    (planted.parent / "again.md").write_bytes(planted.read_bytes())
    assert index(settings).work.embedded == 0


def test_a_root_that_was_removed_can_be_forgotten(planted: Path, settings: Settings) -> None:
    vectors = secret_vectors(settings)
    ledger = Ledger.open(settings.ledger_url)
    ledger.remove_root(ledger.roots()[0].root_id)
    assert forget(settings, [bytes(planted)]).files == 1
    assert traces(settings.home, vectors) == []


def test_everything_can_be_forgotten(planted: Path, settings: Settings) -> None:
    vectors = secret_vectors(settings)
    assert forget(settings, [bytes(planted.parent)]).files == 41
    assert published_rows(settings) == []
    assert traces(settings.home, vectors) == []
    report = index(settings)
    assert (report.work, report.held_back) == (Report().work, [])
    remember(settings, [bytes(planted.parent)])
    assert index(settings).work.added == 41
    assert Searcher(settings).search(WORDS[3], 1)[0].path == str(planted)


def test_an_open_reader_fails_or_answers_as_before(planted: Path, settings: Settings) -> None:
    reader = Searcher(settings)
    before = [(hit.path, hit.text) for hit in reader.search("topic17x2y5", 5)]
    forget(settings, [bytes(planted)])
    for query in ("topic17x2y5", WORDS[5]):
        try:
            hits = [(hit.path, hit.text) for hit in reader.search(query, 5)]
        except IndexDamagedError:
            continue
        assert query != "topic17x2y5" or hits == before
    again = [(hit.path, hit.text) for hit in Searcher(settings).search("topic17x2y5", 5)]
    assert again[0] == before[0]
    assert str(planted) not in {hit.path for hit in Searcher(settings).search(WORDS[5], 50)}


def test_a_damaged_index_is_no_obstacle(planted: Path, settings: Settings, tmp_path: Path) -> None:
    vectors = secret_vectors(settings)
    published = Ledger.open(settings.ledger_url).published()
    assert published is not None
    table = ChunkIndex.open(settings.index_uri, published.table).table
    table.delete("char_start > 0")
    Ledger.open(settings.ledger_url).republish(replace(published, version=int(table.version)))
    forget(settings, [bytes(planted)])
    assert traces(settings.home, vectors) == []
    index(settings)
    planted.unlink()
    assert comparable(published_rows(settings)) == clean_build(settings, tmp_path / "clean")


def test_a_lost_index_and_a_damaged_cache_are_no_obstacle(
    planted: Path, settings: Settings
) -> None:
    vectors = secret_vectors(settings)
    (settings.home / "embeddings.sqlite.damaged-1").write_bytes(vectors[0])
    shutil.rmtree(settings.index_uri)
    forget(settings, [bytes(planted)])
    assert traces(settings.home, vectors) == []
    index(settings)
    assert len(paths(settings)) == 40


CRASH = """
import os, sys
from beast_assets.core import forget as module
from beast_assets.core.settings import load_settings

name, when = sys.argv[1:3]
real = getattr(module, name)

def dying(*words, **more):
    if when == "before":
        os._exit(9)
    real(*words, **more)
    os._exit(9)

setattr(module, name, dying)
module.forget(load_settings(), [os.fsencode(sys.argv[3])])
"""

STEPS = [
    "wish",
    "rewrite",
    "drop_tables_but_published",
    "drop_vectors",
    "settle",
    "clean_databases",
    "fulfil",
]


@pytest.mark.parametrize(
    ("step", "when"),
    [
        ("wish", "after"),
        ("rewrite", "after"),
        ("drop_vectors", "after"),
        *(
            pytest.param(step, when, marks=pytest.mark.proof)
            for step in STEPS
            for when in ("before", "after")
        ),
    ],
)
def test_death_at_each_step_is_made_good(
    planted: Path, settings: Settings, tmp_path: Path, step: str, when: str
) -> None:
    vectors = secret_vectors(settings)
    died = subprocess.run([sys.executable, "-c", CRASH, step, when, planted], capture_output=True)
    assert died.returncode == 9, died.stderr.decode()
    asked = (step, when) != ("wish", "before")
    assert bool(pending_paths(Ledger.open(settings.ledger_url))) == (
        asked and (step, when) != ("fulfil", "after")
    )
    index(settings)
    assert (b"secret.md" in paths(settings)) != asked
    assert (traces(settings.home, vectors) == []) == asked
    if asked:
        planted.unlink()
    assert comparable(published_rows(settings)) == clean_build(settings, tmp_path / "clean")


def test_the_whole_home_after_real_runs(beast: Beast, docs: Path, settings: Settings) -> None:
    """With Dagster's records: runs, events, logs."""
    (docs / "secret.md").write_text(SECRET)
    beast("index", docs)
    vectors = secret_vectors(settings)
    (docs / "secret.md").unlink()
    beast("index")
    assert b"forgot 0 files" in beast("forget", docs / "secret.md").out
    assert traces(settings.home, vectors) == []


def test_command(beast: Beast, docs: Path, settings: Settings) -> None:
    assert beast("forget", docs, code=10).err
    add_root(settings, docs)
    index(settings)
    note = docs / "note-00.md"
    done = beast("forget", "docs/note-00.md", "--json").json
    assert (done["files"], done["excluded"]) == (1, [str(note)])
    assert beast("status", "--json").json["forgotten"] == [str(note)]
    assert beast("forget", "--undo", note, "--json").json == {"remembered": [str(note)]}
    assert beast("forget", "--undo", note, code=2).err
    with writer_lock(lock_path(settings)):
        assert beast("forget", note, code=11).err


def test_no_home_no_forgetting(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(NoIndexError):
        forget(settings, [bytes(tmp_path)])
    assert not settings.home.exists()


def test_a_database_is_written_anew(tmp_path: Path) -> None:
    word = b"a word that is like no other"
    path = tmp_path / "some.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA secure_delete = OFF")  # not every SQLite overwrites by itself
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (?)", (word * 500,))
        connection.commit()
        connection.execute("DELETE FROM t")
    assert word in path.read_bytes()
    scrub(f"sqlite:///{path}")
    assert word not in path.read_bytes()


def test_a_reader_that_does_not_end_is_said(
    planted: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = secret_vectors(settings)
    monkeypatch.setattr(database, "_BUSY_TIMEOUT_MS", 50)
    database.engine_for.cache_clear()
    with closing(sqlite3.connect(settings.home / "embeddings.sqlite")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM embeddings").fetchall()
        with pytest.raises(BeastError, match="has .*embeddings.sqlite open"):
            forget(settings, [bytes(planted)])
    index(settings)  # finishes it
    assert traces(settings.home, vectors) == []
    assert pending_paths(Ledger.open(settings.ledger_url)) == []
    database.engine_for.cache_clear()


def test_names_are_compared_part_by_part(planted: Path, settings: Settings, docs: Path) -> None:
    assert covers(b"/a/b", b"/a/b")
    assert covers(b"/a/b", b"/a/b/c")
    assert covers(b"/", b"/a")
    assert not covers(b"/a/b", b"/a/bc")
    link = docs.with_name("link")
    link.symlink_to(docs)
    odd = docs / os.fsdecode(b"odd \xff\n.md")
    odd.write_text("An odd name.\n")
    index(settings)
    assert forget(settings, [bytes(link / odd.name)]).files == 1
    assert set(forgotten(Ledger.open(settings.ledger_url))) == {bytes(odd)}
