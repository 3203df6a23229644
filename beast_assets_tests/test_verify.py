"""Real damage: each kind is found, under its name, and mended to the rows of a clean build."""

import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
import pytest

from beast_assets.core import hashing, ids, reading
from beast_assets.core.cache import EmbeddingCache
from beast_assets.core.chunking import chunk_parts
from beast_assets.core.database import engine_for
from beast_assets.core.embedding.hashing_backend import HashingEmbedder
from beast_assets.core.errors import LockedError, NoIndexError, RecipeMismatchError, UsageError
from beast_assets.core.findings import KINDS, Findings
from beast_assets.core.fingerprint import index_fingerprint
from beast_assets.core.home import cache_url
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Published
from beast_assets.core.maintenance import maintain
from beast_assets.core.mend import verify_and_repair
from beast_assets.core.sampling import Sample, choose, parse_sample
from beast_assets.core.session import Request
from beast_assets.core.settings import Settings, load_settings
from beast_assets.core.verify import verify
from beast_assets.core.verify_rows import check_rows, ranges
from beast_assets_tests.conftest import Beast, document, settle
from beast_assets_tests.homes import add_root, clean_build, comparable, index, published_rows

ALL = Sample()
FILES = 12
ODD = b"caf\xe9 ' OR '1'='1.md"


@dataclass
class Home:
    """A home of its own over documents that all homes share."""

    settings: Settings
    docs: Path
    clean: Counter[tuple[Any, ...]]

    @property
    def ledger(self) -> Ledger:
        return Ledger.open(self.settings.ledger_url)

    def file_id(self, name: str = "note-06.md") -> str:
        return ids.file_id(ids.root_id(bytes(self.docs)), name.encode())

    def rows(self, name: str = "note-06.md") -> list[dict[str, Any]]:
        wanted = self.file_id(name)
        found = [row for row in published_rows(self.settings) if row["file_id"] == wanted]
        return sorted(found, key=lambda row: int(row["char_start"]))

    def change(self, action: Callable[[Any], object]) -> None:
        """Change the table that readers see, so that nothing but a comparison can tell."""
        published = self.ledger.published()
        assert published is not None
        table = lancedb.connect(self.settings.index_uri).open_table(published.table)
        action(table)
        self.ledger.republish(Published(published.table, table.version))
        self.hide()

    def hide(self) -> None:
        """Record the index's files as they now stand."""
        self.ledger.set_meta("fingerprint", index_fingerprint(self.settings.index_uri))

    def update(self, name: str = "note-06.md", row: int = 1, **values: Any) -> None:
        chunk = self.rows(name)[row]["chunk_id"]
        self.change(lambda table: table.update(where=f"chunk_id = '{chunk}'", values=values))

    def sql(self, statement: str, *values: Any, file: str = "ledger.sqlite") -> None:
        with closing(sqlite3.connect(self.settings.home / file)) as connection, connection:
            assert connection.execute(statement, values).rowcount > 0

    def cache(self) -> EmbeddingCache:
        return EmbeddingCache(cache_url(self.settings), HashingEmbedder.fingerprint)

    def verify(self, sample: Sample | None = ALL) -> Findings:
        return verify(self.settings, sample, seed=7)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Home:
    base = tmp_path_factory.mktemp("verify")
    docs = base / "docs"
    docs.mkdir()
    for number in range(FILES):
        (docs / f"note-{number:02}.md").write_text(document(number))
    (docs / "model.gguf").write_bytes(b"weights" * 100)
    (Path(str(docs).encode().decode()) / ODD.decode("utf-8", "surrogateescape")).write_text("odd\n")
    (docs / "link.md").symlink_to("note-00.md")
    settle()
    settings = of_home(base / "home")
    add_root(settings, docs)
    index(settings)
    index(settings)
    return Home(settings, docs, clean_build(settings, base / "clean"))


def of_home(folder: Path) -> Settings:
    return load_settings(environ={"BEAST_HOME": str(folder), "BEAST_MODEL": "hashing"})


@pytest.fixture
def home(built: Home, tmp_path: Path) -> Home:
    folder = tmp_path / "copy"
    shutil.copytree(built.settings.home, folder)
    return replace(built, settings=of_home(folder))


def kinds(found: Findings) -> set[str]:
    return {one.kind for one in found.differences}


# What is damaged → what verify has to call it, from the structure alone and with all data read.
Damage = Callable[[Home], object]
DAMAGES: dict[str, tuple[Damage, set[str], set[str]]] = {}


def damage(structure: str, data: str | None = None) -> Callable[[Damage], Damage]:
    def register(function: Damage) -> Damage:
        found = structure if data is None else data
        DAMAGES[function.__name__] = (function, set(structure.split()), set(found.split()))
        return function

    return register


@damage("missing_rows", "missing_rows uncovered")
def a_row_is_gone(home: Home) -> None:
    chunk = home.rows()[1]["chunk_id"]
    home.change(lambda table: table.delete(f"chunk_id = '{chunk}'"))


@damage("missing_rows", "missing_rows uncovered")
def all_rows_of_a_file_are_gone(home: Home) -> None:
    home.change(lambda table: table.delete(f"file_id = '{home.file_id()}'"))


@damage("duplicate")
def a_row_stands_twice(home: Home) -> None:
    again(home, home.rows()[2:3])


@damage("orphan")
def rows_of_no_file(home: Home) -> None:
    again(home, [row | {"file_id": "f" * 32, "path": b"nowhere.md"} for row in home.rows()])


@damage("orphan", "orphan extra_rows")
def rows_of_a_file_without_text(home: Home) -> None:
    stranger = home.file_id("model.gguf")
    again(home, [row | {"file_id": stranger} for row in home.rows()[:1]])


@damage("extra_rows inconsistent")
def a_row_of_another_content(home: Home) -> None:
    again(home, [home.rows()[0] | {"chunk_id": "0" * 32, "content_sha256": "0" * 64}])


@damage("", "text")
def another_text(home: Home) -> None:
    home.update(text="what nobody wrote")


@damage("", "text")
def an_empty_text(home: Home) -> None:
    home.update(row=0, text="")


@damage("", "vector")
def vector_of_another_text(home: Home) -> None:
    home.update(vector=home.rows("note-05.md")[0]["vector"])


@damage("", "vector")
def vector_that_is_no_number(home: Home) -> None:
    # LanceDB refuses to write such a thing: it takes a flipped bit on the disk.
    vector = np.array(home.rows()[1]["vector"], dtype=np.float16)
    broken = vector.copy()
    broken[7] = np.nan
    replace_bytes(home, vector.tobytes(), broken.tobytes())


@damage("", "vector")
def vector_of_nothing(home: Home) -> None:
    replace_vector(home, np.zeros(256, dtype=np.float16))


@damage("", "vector")
def vector_too_long(home: Home) -> None:
    replace_vector(home, 2 * np.array(home.rows()[1]["vector"], dtype=np.float16))


@damage("inconsistent", "inconsistent offsets uncovered")
def characters_moved(home: Home) -> None:
    row = home.rows()[1]
    home.update(char_start=row["char_start"] + 1, char_end=row["char_end"] + 1)


@damage("inconsistent", "inconsistent offsets uncovered")
def impossible_characters(home: Home) -> None:
    home.update(char_end=-1)


@damage("", "offsets")
def lines_moved(home: Home) -> None:
    row = home.rows()[1]
    home.update(line_start=row["line_start"] + 1, line_end=row["line_end"] + 1)


@damage("inconsistent")
def another_path(home: Home) -> None:
    home.update(path="nowhere.md")


@damage("inconsistent", "inconsistent text")
def another_hash_of_the_text(home: Home) -> None:
    home.update(text_sha256="0" * 64)


@damage("full_text")
def lost_full_text_index(home: Home) -> None:
    for folder in Path(home.settings.index_uri).glob("*.lance/_indices"):
        shutil.rmtree(folder)
    home.hide()


@damage("full_text")
def no_full_text_index(home: Home) -> None:
    home.change(lambda table: table.drop_index("text_idx"))


@damage("full_text missing_rows", "full_text missing_rows uncovered")
def lost_full_text_index_and_rows(home: Home) -> None:
    a_row_is_gone(home)
    lost_full_text_index(home)


@damage("unreadable")
def truncated_data(home: Home) -> None:
    for path in data_files(home):
        path.write_bytes(path.read_bytes()[:-100])
    home.hide()


@damage("unreadable")
def lost_data(home: Home) -> None:
    for path in data_files(home):
        path.unlink()
    home.hide()


@damage("unreadable")
def lost_index(home: Home) -> None:
    shutil.rmtree(home.settings.index_uri)
    home.hide()


@damage("orphan")
def forgotten_record(home: Home) -> None:
    home.sql("DELETE FROM files WHERE path = ?", b"note-06.md")


@damage("orphan")
def record_without_rows(home: Home) -> None:
    home.sql("UPDATE files SET chunks = 0, rows_digest = NULL WHERE path = ?", b"note-06.md")


@damage("digest")
def another_digest(home: Home) -> None:
    home.sql("UPDATE files SET rows_digest = ? WHERE path = ?", "0" * 64, b"note-06.md")


@damage("missing_rows")
def a_record_of_more_rows(home: Home) -> None:
    home.sql("UPDATE files SET chunks = chunks + 1 WHERE path = ?", b"note-06.md")


@damage("extra_rows")
def a_record_of_fewer_rows(home: Home) -> None:
    home.sql("UPDATE files SET chunks = chunks - 1 WHERE path = ?", b"note-06.md")


@damage("inconsistent", "inconsistent content")
def another_hash_of_the_file(home: Home) -> None:
    home.sql(
        "UPDATE files SET content = ?, indexed = ? WHERE path = ?",
        *["0" * 64] * 2,
        b"note-06.md",
    )


@damage("", "content")
def another_hash_of_a_file_without_text(home: Home) -> None:
    home.sql(
        "UPDATE files SET content = ?, indexed = ? WHERE path = ?",
        *["0" * 64] * 2,
        b"model.gguf",
    )


@damage("ledger inconsistent")
def record_of_another_path(home: Home) -> None:
    home.sql("UPDATE files SET path = ? WHERE path = ?", b"nowhere.md", b"note-06.md")


@damage("uncached")
def forgotten_vectors(home: Home) -> None:
    home.cache().drop([home.rows()[0]["text_sha256"], home.rows()[2]["text_sha256"]])


@damage("uncached")
def lost_cache(home: Home) -> None:
    engine_for(cache_url(home.settings)).dispose()
    for path in home.settings.home.glob("embeddings.sqlite*"):
        path.unlink()


@damage("database")
def garbage_for_a_cache(home: Home) -> None:
    lost_cache(home)
    (home.settings.home / "embeddings.sqlite").write_bytes(b"no database" * 1_000)


@damage("", "cached_vector")
def cached_vector_of_another_text(home: Home) -> None:
    key, other = (home.rows()[number]["text_sha256"] for number in (0, 1))
    home.cache().put({key: home.cache().get([other])[other]})


@damage("", "cached_vector")
def cached_vector_of_another_length(home: Home) -> None:
    home.cache().put({home.rows()[0]["text_sha256"]: np.ones(3, dtype=np.float16)})


@damage("", "vector cached_vector")
def wrong_in_cache_and_index(home: Home) -> None:
    key = home.rows()[1]["text_sha256"]
    wrong = np.array(home.rows("note-05.md")[0]["vector"], dtype=np.float16)
    home.cache().put({key: wrong})
    replace_vector(home, wrong)


@damage("uncached", "uncached vector")
def no_vector_anywhere(home: Home) -> None:
    home.cache().drop([home.rows()[1]["text_sha256"]])
    vector_that_is_no_number(home)


def again(home: Home, rows: list[dict[str, Any]]) -> None:
    def add(table: Any) -> None:
        table.add(pa.Table.from_pylist(rows, schema=table.schema))

    home.change(add)


def replace_vector(home: Home, vector: Any) -> None:
    row = home.rows()[1]
    home.change(lambda table: table.delete(f"chunk_id = '{row['chunk_id']}'"))
    again(home, [row | {"vector": vector}])


def data_files(home: Home) -> list[Path]:
    found = sorted(Path(home.settings.index_uri).glob("*.lance/data/*.lance"))
    assert found
    return found


def replace_bytes(home: Home, old: bytes, new: bytes) -> None:
    """Alter the files of the index in place."""
    found = 0
    for path in data_files(home):
        data = path.read_bytes()
        found += data.count(old)
        path.write_bytes(data.replace(old, new))
    assert found == 1
    home.hide()


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found_and_mended(home: Home, name: str) -> None:
    cause, structure, data = DAMAGES[name]
    cause(home)
    before_look = index_fingerprint(home.settings.index_uri)
    assert kinds(home.verify(None)) == structure
    found = home.verify()
    assert kinds(found) == data
    assert index_fingerprint(home.settings.index_uri) == before_look
    after, before = verify_and_repair(home.settings, ALL, seed=7, run=lambda: index(home.settings))
    assert {one.kind for one in before} >= data
    assert (after.differences, after.pending) == ([], 0)
    assert comparable(published_rows(home.settings)) == home.clean
    assert index(home.settings).work.chunks_written == 0
    assert home.verify().differences == []


def test_structure_alone_is_mended_too(home: Home) -> None:
    no_vector_anywhere(home)
    after, _ = verify_and_repair(home.settings, None, seed=7, run=lambda: index(home.settings))
    assert after.differences == []
    assert comparable(published_rows(home.settings)) == home.clean


def test_a_plain_run_mends_rows_and_indices_at_once(home: Home) -> None:
    lost_full_text_index_and_rows(home)
    home.ledger.set_meta("fingerprint", "")
    index(home.settings)
    assert home.verify().differences == []


def test_differences_name_their_file(home: Home) -> None:
    a_row_stands_twice(home)
    found = home.verify(None)
    (only,) = found.differences
    assert (only.path, only.detail) == (str(home.docs / "note-06.md"), "1 rows")
    assert "note-06.md: 1 rows" in "\n".join(found.lines())


def test_every_kind_has_its_damage() -> None:
    caused = set().union(*(data for _, _, data in DAMAGES.values()))
    assert set(KINDS) - caused == {"truncated", "vector_index"}


def test_healthy_home_has_no_differences(home: Home) -> None:
    found = home.verify()
    assert found.to_dict()["ok"]
    assert found.checked["files"] == FILES + 3
    assert found.checked["rows"] == found.checked["texts_embedded"] == sum(home.clean.values())
    assert found.checked["files_read"] == FILES + 2
    assert found.pending == 0


def test_sample_is_chosen_by_its_seed(home: Home) -> None:
    names = [f"{number:032x}" for number in range(1_000)]
    for sample, least, most in [
        (Sample(0.05), 25, 80),
        (Sample(files=30), 30, 30),
        (ALL, 1_000, 1_000),
    ]:
        chosen = [list(filter(choose(sample, seed, names), names)) for seed in (1, 1, 2)]
        assert chosen[0] == chosen[1]
        assert least <= len(chosen[2]) <= most
        assert (chosen[0] != chosen[2]) == (sample is not ALL)
    assert home.verify(Sample(files=3)).checked["files_read"] == 3
    assert "files_read" not in home.verify(Sample(files=0)).checked


@pytest.mark.parametrize(
    ("text", "sample"),
    [
        ("5%", Sample(0.05)),
        ("0.5%", Sample(0.005)),
        ("100%", ALL),
        ("7", Sample(files=7)),
        ("all", ALL),
    ],
)
def test_sample_is_read(text: str, sample: Sample) -> None:
    assert parse_sample(text) == sample


@pytest.mark.parametrize("text", ["", "5 %", "101%", "-1", "some", "1e3", "½%", "٣"])
def test_what_is_no_sample_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_sample(text)


@pytest.mark.parametrize("rows", [0, 49_999, 50_001, 10**6, 10**7, 10**9])
def test_ranges_hold_every_name_once(rows: int) -> None:
    parts = ranges(rows)
    assert rows / len(parts) <= 50_000 or len(parts) == 4_096
    for name in ("", "0", "0" * 32, "7fff", "80", "f" * 32, "g", "zebra"):
        held = [p for p in parts if (p.low or "") <= name and (p.high is None or name < p.high)]
        assert len(held) == 1


def test_memory_does_not_depend_on_how_names_are_cut(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows_of_no_file(home)
    a_row_is_gone(home)
    whole = home.verify().to_dict()
    from beast_assets.core import verify_contents, verify_rows

    monkeypatch.setattr(verify_rows, "_ROWS_AT_ONCE", 1)
    monkeypatch.setattr(verify_contents, "_ROWS_AT_ONCE", 1)
    assert len(ranges(20)) == 256
    assert home.verify().to_dict() == whole


def test_changes_on_disk_are_pending_and_no_damage(settings: Settings, docs: Path) -> None:
    settle()
    add_root(settings, docs)
    index(settings)
    (docs / "note-00.md").write_text("another text\n")
    (docs / "note-03.md").unlink()
    (docs / "new.md").write_text("new\n")
    (docs / "note-06.md").touch()
    found = verify(settings, ALL)
    assert (found.differences, found.pending) == ([], 4)
    docs.rename(docs.with_name("away"))
    found = verify(settings, ALL)
    assert (found.differences, found.checked["files_read"]) == ([], 0)


def test_file_that_reads_otherwise_under_the_same_times(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a disk returns other bytes than were written: no time tells."""
    real = hashing.read_stable

    def rotten(root_fd: int, path: bytes, limit: int) -> Any:
        result, data = real(root_fd, path, limit)
        if path == b"note-06.md":
            result = replace(result, sha256=ids.text_sha256("rotten"))
        return result, data

    monkeypatch.setattr(reading, "read_stable", rotten)
    assert kinds(home.verify()) == {"content"}


def test_text_that_no_row_covers_is_found_by_itself(
    settings: Settings, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a chunker that loses text, the index agrees with the chunker and not with the file."""

    def lossy(*words: Any, **more: Any) -> Any:
        return chunk_parts(*words, **more)[1:]

    monkeypatch.setattr(reading, "chunk_parts", lossy)
    add_root(settings, docs)
    index(settings)
    assert kinds(verify(settings, ALL)) == {"uncovered"}


def test_text_longer_than_the_model_reads_is_found(
    settings: Settings, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (docs / "long.md").write_text("a " * 500)
    add_root(settings, docs)
    with monkeypatch.context() as patch:
        patch.setattr(HashingEmbedder, "fits", lambda self, text: len(text))
        index(settings)
    assert "truncated" in kinds(verify(settings, ALL))


@pytest.mark.parametrize("change", ["rename", "delete", "edit", "copy", "rebuild", "maintain"])
def test_nothing_is_found_after_honest_work(settings: Settings, docs: Path, change: str) -> None:
    add_root(settings, docs)
    index(settings)
    file = docs / "note-00.md"
    if change == "rename":
        file.rename(docs / "moved.md")
    elif change == "delete":
        file.unlink()
    elif change == "edit":
        file.write_text(document(99, 5))
    elif change == "copy":
        shutil.copy(file, docs / "copy.md")
    index(settings, Request(rebuild=change == "rebuild"))
    if change == "maintain":
        maintain(settings)
    found = verify(settings, ALL)
    assert (found.differences, found.pending) == ([], 0)


def test_what_a_dead_run_left_is_no_damage(home: Home) -> None:
    """It marked a file as not indexed, wrote rows that nobody sees, and died."""
    home.ledger.set_meta("fingerprint", "")
    home.ledger.distrust([home.file_id()])
    published = home.ledger.published()
    assert published is not None
    table = lancedb.connect(home.settings.index_uri).open_table(published.table)
    table.delete("true")
    found = home.verify()
    assert (found.differences, found.pending) == ([], 1)


def test_without_a_publication_there_is_nothing_to_verify(
    settings: Settings, docs: Path, home: Home
) -> None:
    with pytest.raises(NoIndexError):
        verify(settings)
    add_root(settings, docs)
    with pytest.raises(NoIndexError):
        verify(settings)
    home.ledger.unpublish()
    assert kinds(home.verify()) == {"unreadable"}


def test_another_recipe_can_verify_the_structure_only(home: Home) -> None:
    other = replace(home.settings, chunk_chars=600)
    assert verify(other).differences == []
    with pytest.raises(RecipeMismatchError):
        verify(other, ALL)


def test_a_run_in_between_is_noticed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    real, looks = check_rows, 0

    def busy(*words: Any) -> None:
        nonlocal looks
        looks += 1
        if looks <= until:
            a_row_is_gone(home)
            home.ledger.set_meta("published_ns", str(looks))
        real(*words)

    monkeypatch.setattr("beast_assets.core.verify.check_rows", busy)
    until = 1
    assert kinds(home.verify(None)) == {"missing_rows"}
    assert looks == 2
    until = 100
    with pytest.raises(LockedError, match="anew each time"):
        home.verify(None)


def test_damaged_ledger_is_said_and_made_anew_by_a_repair(home: Home) -> None:
    engine_for(home.settings.ledger_url).dispose()
    path = home.settings.home / "ledger.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        (root,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'files_loud'"
        ).fetchone()
    data = bytearray(path.read_bytes())
    data[(root - 1) * size : root * size] = b"\xff" * size
    path.write_bytes(data)
    assert kinds(verify(home.settings)) == {"database"}
    found, before = verify_and_repair(home.settings, None, 7, run=lambda: index(home.settings))
    assert {one.kind for one in before} == {"database"}
    assert not found.differences
    assert (home.settings.home / "ledger.sqlite.damaged-1").exists()


def test_command(beast: Beast, docs: Path, settings: Settings) -> None:
    add_root(settings, docs)
    index(settings)
    here = Home(settings, docs, Counter())
    another_text(here)
    a_row_stands_twice(here)
    out = beast("verify", code=1).out.decode()
    assert f"duplicate: {docs}/note-06.md: 1 rows" in out
    mended = beast("verify", "--read-data-subset", "all", "--repair", "--json").json
    assert (mended["ok"], mended["differences"], mended["pending"]) == (True, [], 0)
    assert [(one["kind"], one["path"]) for one in mended["repaired"]] == [
        ("duplicate", str(docs / "note-06.md")),
        ("text", str(docs / "note-06.md")),
    ]


def flip(home: Home, seed: int) -> str:
    """Flip a bit of a file of the index; the file's name."""
    chance = random.Random(seed)
    folder = Path(home.settings.index_uri)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    path = chance.choice([path for path in files if kind_of_file(path) == seed % 3] or files)
    data = bytearray(path.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)
    home.hide()
    return str(path.relative_to(folder))


def kind_of_file(path: Path) -> int:
    return (
        ["data", "_versions"].index(path.parent.name)
        if path.parent.name in ("data", "_versions")
        else 2
    )


# The 31st renames a column in the manifest.
@pytest.mark.parametrize(
    "seed",
    [
        *range(6),
        *(pytest.param(n, marks=[] if n == 31 else pytest.mark.proof) for n in range(6, 300)),
    ],
)
def test_flipped_bit_is_found_or_harmless(home: Home, seed: int) -> None:
    flip(home, seed)
    found = home.verify()
    if not found.differences:
        assert comparable(published_rows(home.settings)) == home.clean
    after, _ = verify_and_repair(home.settings, ALL, seed=7, run=lambda: index(home.settings))
    assert after.differences == []
    assert comparable(published_rows(home.settings)) == home.clean
