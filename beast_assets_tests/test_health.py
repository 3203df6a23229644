"""Health: real damage is told by the right check; what hangs holds up nobody."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import lancedb
import pytest
import sqlalchemy as sa

from beast_assets.core import health
from beast_assets.core.database import new_engine, put_aside
from beast_assets.core.embedding import model_files, model_fingerprint
from beast_assets.core.embedding.built_in import BUILT_IN, PINNED, built_in_folder
from beast_assets.core.health import (
    FAIL,
    OK,
    PROBES,
    WARN,
    Check,
    Finding,
    Probe,
    check_health,
    places,
)
from beast_assets.core.health import index as index_probes
from beast_assets.core.health.canary import SENTENCE
from beast_assets.core.home import lock_path
from beast_assets.core.ledger import SCANNED, Ledger
from beast_assets.core.ledger_rows import Published
from beast_assets.core.lock import writer_lock
from beast_assets.core.search import IndexHandle
from beast_assets.core.settings import Settings, load_settings
from beast_assets_tests.conftest import settle
from beast_assets_tests.homes import add_root, index

# Whether the machine that tests has room is not theirs to say.
MACHINE = {"disk", "memory"}


@pytest.fixture
def indexed(settings: Settings, docs: Path) -> Settings:
    add_root(settings, docs)
    index(settings)
    return settings


def checks(settings: Settings, timeout_s: float = 60.0) -> dict[str, Check]:
    return {check.name: check for check in check_health(settings, timeout_s=timeout_s).checks}


def wrong(settings: Settings) -> dict[str, str]:
    found = checks(settings)
    return {name: check.status for name, check in found.items() if check.status != OK}


def of(settings: Settings, name: str) -> Check:
    (probe,) = [probe for probe in PROBES if probe.name == name]
    return health.examine([probe], settings, timeout_s=60.0).checks[0]


def execute(settings: Settings, statement: str) -> None:
    with closing(sqlite3.connect(settings.home / "ledger.sqlite")) as database:
        database.execute(statement)
        database.commit()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def as_nobody_special(probe: str) -> dict[str, str]:
    """The check as a process makes it for which the modes of files count, root or not."""
    program = (
        "import json, sys\n"
        "from beast_assets_tests.faults.rights import give_up_overrides\n"
        "from beast_assets.core.health import PROBES, examine\n"
        "from beast_assets.core.settings import load_settings\n"
        "give_up_overrides()\n"
        "asked = [probe for probe in PROBES if probe.name == sys.argv[1]]\n"
        "print(json.dumps(examine(asked, load_settings()).checks[0].to_dict()))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, probe], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


# -- a sound home, and none ----------------------------------------------------------------------


def test_a_sound_home_is_healthy(indexed: Settings) -> None:
    found = checks(indexed)
    assert set(found) == {probe.name for probe in PROBES}
    assert {name for name, check in found.items() if check.status != OK} <= MACHINE, found
    assert found["index"].figures["rows"] == found["ledger"].figures["chunks"] > 40
    plain = check_health(indexed).to_dict()
    assert set(json.loads(json.dumps(plain, allow_nan=False))) == {"status", "checks"}


def test_the_worst_check_gives_the_status() -> None:
    def status(*statuses: str) -> str:
        checks = (Check(one, one, 0.0, "", {}) for one in statuses)
        return health.Health(tuple(checks)).status

    assert status(OK, OK) == "healthy"
    assert status(OK, WARN) == "degraded"
    assert status(WARN, FAIL, OK) == "unhealthy"


def test_no_home_is_told_and_none_is_made(settings: Settings) -> None:
    found = checks(settings)
    assert found["home"].status == FAIL
    assert "beast index DIR" in found["home"].detail
    assert found["ledger"].status == WARN
    assert not settings.home.exists()


def test_a_home_without_an_index_is_degraded(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    assert wrong(settings).keys() - MACHINE == {"index", "search_indices", "last_scan"}
    assert set(wrong(settings).values()) == {WARN}


# -- roots ---------------------------------------------------------------------------------------


@pytest.fixture
def two_roots(settings: Settings, docs: Path, tmp_path: Path) -> tuple[Path, Path]:
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.md").write_text("A walrus.")
    add_root(settings, docs, other)
    index(settings)
    return docs, other


def test_roots_that_are_away_are_named(two_roots: tuple[Path, Path], settings: Settings) -> None:
    docs, other = two_roots
    (other / "a.md").unlink()
    empty = of(settings, "roots")
    assert (empty.status, empty.figures["away"]) == (WARN, 1)
    assert f"{other}: empty, though 1 of its files" in empty.detail
    other.rmdir()
    gone = of(settings, "roots")
    assert gone.status == WARN
    assert f"{other}: No such file" in gone.detail
    assert str(docs) not in gone.detail
    shutil.rmtree(docs)
    assert of(settings, "roots").status == FAIL


@pytest.mark.parametrize("mode", [0o000, 0o600])
def test_a_root_without_rights_is_told(indexed: Settings, docs: Path, mode: int) -> None:
    docs.chmod(mode)  # 0600: its names can be listed, its files not opened
    found = as_nobody_special("roots")
    docs.chmod(0o755)
    assert found["status"] == FAIL
    assert "Permission denied" in found["detail"]


def test_a_root_that_hangs_hides_no_other(
    two_roots: tuple[Path, Path], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs, other = two_roots
    forever = threading.Event()
    scandir = os.scandir

    hung = other.stat().st_ino

    def hang(fd: int) -> object:
        return forever.wait() if os.fstat(fd).st_ino == hung else scandir(fd)

    monkeypatch.setattr(os, "scandir", hang)
    found = checks(settings, timeout_s=1.0)["roots"]
    assert found.status == WARN
    assert f"{other}: timed out after 0." in found.detail
    assert found.figures["states"][str(docs)] == "readable"
    forever.set()


# -- ledger --------------------------------------------------------------------------------------


def _spoil_page(path: Path) -> None:
    data = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as database:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'files'"
        ((page,),) = database.execute(query).fetchall()
    start = (page - 1) * 4096
    data[start : start + 4096] = b"\xaa" * 4096
    path.write_bytes(data)


def _spoil_header(path: Path) -> None:
    path.write_bytes(b"no database at all" + path.read_bytes()[18:])


@pytest.mark.parametrize("spoil", [_spoil_page, _spoil_header])
def test_a_damaged_ledger_is_told_once(indexed: Settings, spoil: Callable[[Path], None]) -> None:
    execute(indexed, "DELETE FROM snapshot")
    # This process has it open from now on, and holds its pages.
    Ledger.open_existing(indexed.ledger_url).check(whole=True)
    assert of(indexed, "ledger").status == OK
    spoil(indexed.home / "ledger.sqlite")
    found = checks(indexed)
    assert found["ledger"].status == FAIL
    assert "`beast index` puts it aside" in found["ledger"].detail
    assert {found[name].status for name in ("disk", "embedding", "model_files")} == {OK}
    assert found["held_back"].status != FAIL or "damaged" in found["held_back"].detail


def test_a_ledger_that_another_process_put_aside_is_let_go(indexed: Settings, docs: Path) -> None:
    handle = IndexHandle(indexed)  # has ledger and index open from now on
    version = handle.search("topic17x2y5", 1).version
    put_aside(new_engine(indexed.ledger_url, poolclass=sa.NullPool))
    (docs / "sub" / "note-17.md").unlink()
    add_root(indexed, docs)
    index(indexed)
    with closing(sqlite3.connect(indexed.home / "ledger.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM files").fetchone() == (39,)
    assert wrong(indexed).keys() <= MACHINE
    hits = handle.search("topic17x2y5", 1)
    assert hits.version == version
    assert "topic17x2y5" not in hits[0].text


def test_a_ledger_without_rights_is_told(indexed: Settings) -> None:
    (indexed.home / "ledger.sqlite").chmod(0)
    found = as_nobody_special("ledger")
    assert found["status"] == FAIL
    assert "may be read" in found["detail"]


def test_a_ledger_of_another_version_is_told(indexed: Settings) -> None:
    execute(indexed, "UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    found = of(indexed, "ledger")
    assert (found.status, "schema 99" in found.detail) == (FAIL, True)


# -- index ---------------------------------------------------------------------------------------


def test_a_removed_table_is_told(indexed: Settings) -> None:
    (table,) = (indexed.home / "index").glob("*.lance")
    shutil.rmtree(table)
    found = checks(indexed)
    assert found["index"].status == found["search_indices"].status == FAIL
    assert "run `beast index` to repair it" in found["index"].detail


def test_rows_that_do_not_add_up_are_told(indexed: Settings) -> None:
    execute(indexed, "UPDATE files SET chunks = chunks + 1 WHERE chunks = 2")
    found = of(indexed, "index")
    assert found.status == FAIL
    assert "--repair" in found.detail
    with writer_lock(lock_path(indexed)):
        assert of(indexed, "index").status == WARN


def test_files_touched_behind_the_ledgers_back_are_told(indexed: Settings) -> None:
    (data, *_) = (indexed.home / "index").rglob("*.lance/data/*")
    data.touch()
    found = of(indexed, "index")
    assert (found.status, "`beast index` compares" in found.detail) == (WARN, True)
    index(indexed)
    assert of(indexed, "index").status == OK


def test_a_dropped_full_text_index_is_told(indexed: Settings) -> None:
    ledger = Ledger.open_existing(indexed.ledger_url)
    published = ledger.published()
    assert published is not None
    table = lancedb.connect(indexed.index_uri).open_table(published.table)
    (found,) = table.list_indices()
    table.drop_index(found.name)
    ledger.republish(Published(published.table, table.version))
    told = of(indexed, "search_indices")
    assert (told.status, "no full-text index" in told.detail) == (FAIL, True)


def test_a_full_text_index_without_its_files_is_told(indexed: Settings) -> None:
    (folder,) = (indexed.home / "index").glob("*.lance/_indices")
    shutil.rmtree(folder)
    told = of(indexed, "search_indices")
    assert (told.status, told.figures["broken"]) == (FAIL, ["text"])


def test_many_rows_without_a_vector_index_are_told(
    indexed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_probes, "ANN_FROM_ROWS", 10)
    told = of(indexed, "search_indices")
    assert (told.status, "`beast maintain`" in told.detail) == (WARN, True)


# -- model ---------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(built_in_folder(), folder)
    return folder


def overwrite(weights: Path, byte: bytes) -> None:
    size = 8 * 2**20
    with weights.open("r+b") as file:
        file.seek(weights.stat().st_size - size)
        file.write(byte * size)


def with_model(settings: Settings, model: object) -> Settings:
    return replace(settings, model=str(model))


def test_the_built_in_model_gives_the_known_vector(settings: Settings) -> None:
    found = of(with_model(settings, BUILT_IN), "embedding")
    assert found.status == OK
    assert found.figures["cosine"] > 0.9999


def test_an_altered_model_is_told(
    settings: Settings, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overwrite(copy / "model.safetensors", b"\0")
    monkeypatch.setattr(model_files, "built_in_folder", lambda: copy)
    found = checks(with_model(settings, BUILT_IN))
    assert found["model_files"].status == found["embedding"].status == FAIL
    assert "pip install --force-reinstall" in found["model_files"].detail


@pytest.mark.parametrize(
    ("byte", "words"), [(b"\x3c", "another vector than the known"), (b"\xff", "no vector of leng")]
)
def test_a_model_that_computes_something_else_is_told(
    settings: Settings, copy: Path, monkeypatch: pytest.MonkeyPatch, byte: bytes, words: str
) -> None:
    weights = copy / "model.safetensors"
    overwrite(weights, byte)
    pinned = {**PINNED, weights.name: model_files.sha256_of(weights)}
    monkeypatch.setattr(model_files, "built_in_folder", lambda: copy)
    monkeypatch.setattr(model_files, "PINNED", pinned)
    found = of(with_model(settings, BUILT_IN), "embedding")
    assert (found.status, words in found.detail) == (FAIL, True), found


def test_a_folder_altered_since_it_was_used_is_told(indexed: Settings, copy: Path) -> None:
    own = with_model(indexed, copy)
    ledger = Ledger.open_existing(own.ledger_url)
    built = {**(ledger.recipe() or {}), "model": model_fingerprint(str(copy))}
    ledger.set_meta("recipe", json.dumps(built))
    assert {of(own, name).status for name in ("recipe", "model_files", "embedding")} == {OK}
    overwrite(copy / "model.safetensors", b"\0")
    found = of(own, "recipe")
    assert (found.status, "model: the index has" in found.detail) == (FAIL, True)


def test_an_absent_model_is_told(indexed: Settings) -> None:
    found = checks(with_model(indexed, "/no/such/model"))
    names = ("model_files", "backend", "embedding", "recipe")
    assert {found[name].status for name in names} == {FAIL}
    assert {found[name].status for name in ("ledger", "index")} == {OK}


def test_readers_that_were_replaced_are_told(indexed: Settings) -> None:
    execute(
        indexed,
        'UPDATE meta SET value = replace(value, \'"extractor text": "\','
        " '\"extractor text\": \"0') WHERE key = 'recipe'",
    )
    found = of(indexed, "recipe")
    assert (found.status, found.figures["outdated"]) == (WARN, ["text"])


def test_an_open_handle_lends_its_model(indexed: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    handle = IndexHandle(indexed)
    monkeypatch.delattr("beast_assets.core.search.encoder.load_embedder")
    asked = [probe for probe in PROBES if probe.name == "embedding"]
    assert health.examine(asked, indexed, handle=handle).checks[0].status == FAIL
    monkeypatch.undo()
    handle.search("walrus")
    handle.encoder._vectors[SENTENCE] = handle.encoder.compute("walrus") * 2
    monkeypatch.delattr("beast_assets.core.search.encoder.load_embedder")
    assert health.examine(asked, indexed, handle=handle).checks[0].status == OK
    assert health.examine(asked, indexed).checks[0].status == FAIL


# -- runs, guards, scans -------------------------------------------------------------------------


def test_who_writes_is_told(indexed: Settings) -> None:
    with writer_lock(lock_path(indexed)):
        found = of(indexed, "writer")
        assert (found.status, found.figures["held"]) == (OK, True)
        assert f"process {os.getpid()} on" in found.detail
        os.utime(lock_path(indexed), (0, 0))
        assert of(indexed, "writer").status == WARN
    assert of(indexed, "writer").detail == "nobody writes"


def test_a_dead_writer_is_told(indexed: Settings) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "from beast_assets.core.lock import writer_lock\n"
        "with writer_lock(Path(sys.argv[1])): os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", program, lock_path(indexed)], check=False)
    found = of(indexed, "writer")
    assert (found.status, "the next `beast index`" in found.detail) == (WARN, True)
    lock_path(indexed).write_text('{"half a rec')
    assert of(indexed, "writer").status == WARN


def test_many_files_in_quarantine_are_told(settings: Settings, docs: Path) -> None:
    for number in range(9):
        (docs / f"{number}.docx").write_bytes(b"PK\x03\x04 no archive")
    add_root(settings, docs)
    index(settings)
    assert of(settings, "quarantine").status == OK
    (docs / "9.docx").write_bytes(b"PK\x03\x04 no archive")
    index(settings)
    found = of(settings, "quarantine")
    assert (found.status, found.figures["quarantined"]) == (WARN, 10)


def test_what_is_held_back_is_told(indexed: Settings, docs: Path) -> None:
    for path in docs.rglob("*.md"):
        path.unlink()
    index(indexed)
    found = of(indexed, "held_back")
    assert (found.status, found.figures["files"]) == (WARN, 40)
    assert "--allow-mass-delete" in found.detail


def test_the_age_of_the_last_complete_scan_counts(indexed: Settings, docs: Path) -> None:
    settle()
    index(indexed)
    index(indexed)
    ledger = Ledger.open_existing(indexed.ledger_url)
    snapshot = ledger.snapshot()
    assert snapshot is not None
    long_ago = str(time.time_ns() - 3 * 86_400 * 10**9)
    ledger.set_meta(SCANNED, long_ago)
    found = of(indexed, "last_scan")
    assert (found.status, "3 days ago" in found.detail) == (WARN, True)
    docs.rename(docs.with_name("away"))
    index(indexed)
    assert ledger.meta(SCANNED) == long_ago, "a look that missed a root is not complete"
    docs.with_name("away").rename(docs)
    index(indexed)  # finds nothing changed, and that is what counts
    assert of(indexed, "last_scan").figures["age_seconds"] < 60
    assert ledger.snapshot() == snapshot


# -- the machine, the configuration --------------------------------------------------------------


def test_a_home_open_to_others_is_told(indexed: Settings) -> None:
    indexed.home.chmod(0o750)
    found = of(indexed, "home")
    assert (found.status, str(indexed.home) in found.detail) == (WARN, True)


def test_an_index_elsewhere_is_looked_at_too(settings: Settings, docs: Path) -> None:
    elsewhere = replace(settings, index_uri=str(docs.with_name("elsewhere")))
    add_root(elsewhere, docs)
    index(elsewhere)
    Path(elsewhere.index_uri).chmod(0o755)
    found = of(elsewhere, "home")
    assert found.figures["open_to_others"] == [elsewhere.index_uri]


def test_a_home_without_rights_or_of_another_kind_is_told(indexed: Settings) -> None:
    indexed.home.chmod(0o500)
    assert as_nobody_special("home")["status"] == FAIL
    shutil.rmtree(indexed.home)
    indexed.home.write_text("a file")
    found = checks(indexed)
    assert found["home"].status == FAIL
    assert "no folder" in found["home"].detail


def test_a_full_disk_and_no_memory_are_told(
    indexed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_PLENTY", 2**60)
    monkeypatch.setattr(places, "_SMALL_SHARE", 2.0)
    monkeypatch.setattr(places, "_MEMORY", 2**60)
    assert (of(indexed, "disk").status, of(indexed, "memory").status) == (WARN, WARN)
    monkeypatch.setattr(places, "RESERVE", 2**60)
    assert of(indexed, "disk").status == FAIL


def test_names_that_nothing_reads_are_told(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "paths.env").write_text("BEAST_HOMME=/secret/place\nOTHER=1\n")
    monkeypatch.setenv("BEAST_THREDS", "3")
    monkeypatch.setenv("BEAST_QUX", "1")
    found = of(load_settings(), "configuration")
    assert found.status == WARN
    assert found.figures["unknown"] == {
        "BEAST_HOMME": "BEAST_HOME",
        "BEAST_THREDS": "BEAST_THREADS",
        "BEAST_QUX": "",
    }
    assert "/secret/place" not in json.dumps(found.to_dict())


# -- time ----------------------------------------------------------------------------------------


def sleeper(seconds: float) -> Callable[[object], Finding]:
    def run(_: object) -> Finding:
        time.sleep(seconds)
        return Finding(OK, "awake")

    return run


def test_probes_run_at_once(settings: Settings) -> None:
    probes = [Probe(f"sleep {number}", "Awake?", sleeper(0.3)) for number in range(10)]
    began = time.monotonic()
    found = health.examine(probes, settings).checks
    assert time.monotonic() - began < 1.5
    assert [check.name for check in found] == [probe.name for probe in probes]
    assert {check.status for check in found} == {OK}


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_probe_that_hangs_holds_up_nobody(settings: Settings, gate: threading.Event) -> None:
    began: list[float] = []

    def hang(_: object) -> Finding:
        began.append(time.monotonic())
        gate.wait()
        return Finding(OK, "at last")

    probes = [Probe("hung", "Does it?", hang, WARN), Probe("quick", "Is it?", sleeper(0))]
    start = time.monotonic()
    hung, quick = health.examine(probes, settings, timeout_s=1.0).checks
    assert 1 <= time.monotonic() - start < 3
    assert (hung.status, quick.status) == (WARN, OK)
    assert hung.detail.startswith("timed out after 1.")
    assert health.hanging()
    # It is not asked again while it hangs: threads would heap up.
    start = time.monotonic()
    assert health.examine(probes, settings, timeout_s=1.0).checks[0].status == WARN
    assert time.monotonic() - start < 0.8
    assert len(began) == 1
    gate.set()
    deadline = time.monotonic() + 5
    while health.hanging():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert health.examine(probes, settings, timeout_s=5).checks[0].detail == "at last"


@pytest.mark.parametrize("error", [ValueError("odd"), SystemExit(3), OSError(5, "I/O", "/x")])
def test_whatever_a_probe_raises_is_a_failed_check(
    settings: Settings, error: BaseException
) -> None:
    def fail(_: object) -> Finding:
        raise error

    (found,) = health.examine([Probe("odd", "Is it?", fail)], settings).checks
    assert found.status == FAIL
    assert str(error.args[-1]) in found.detail


@pytest.mark.parametrize(
    ("hang", "end"), [("wait()", "sys.exit(1)"), ("compute()", "doctor.leave(found)")]
)
def test_a_probe_that_hangs_does_not_hold_up_the_exit(
    settings: Settings, hang: str, end: str
) -> None:
    # Native code that comes back to an interpreter that is gone would abort the process.
    program = (
        "import sys, threading\n"
        "from beast_assets import doctor\n"
        "from beast_assets.core.embedding import load_embedder\n"
        "from beast_assets.core.health import Probe\n"
        "wait = threading.Event().wait\n"
        "def compute():\n"
        "    embedder = load_embedder('all-MiniLM-L6-v2', threads=1)\n"
        "    while True: embedder.encode(['walrus ' * 200])\n"
        f"doctor._DAGSTER = (Probe('hung', 'Does it?', lambda _: {hang}),)\n"
        "doctor._TIMEOUT_S = 5.0\n"
        "found = doctor.examine_home(None)\n"
        "print('\\n'.join(found.lines()))\n"
        f"{end}\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert "FAIL  hung: timed out after 5" in done.stdout
    assert (done.returncode, done.stderr) == (1, "")
