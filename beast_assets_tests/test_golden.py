"""Golden queries: kept by a person, asked of each version before readers see it."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from beast_assets.cli import cli
from beast_assets.core.errors import HeldBackError, IndexDamagedError, ModelError, UsageError
from beast_assets.core.forget import forget
from beast_assets.core.golden import gate, scoring
from beast_assets.core.golden.held import recorded_ranks
from beast_assets.core.golden.making import make
from beast_assets.core.golden.queries import add, load, remove
from beast_assets.core.golden.scoring import DEPTH
from beast_assets.core.golden.summary import golden_status, run_golden
from beast_assets.core.ledger import Ledger
from beast_assets.core.maintenance import maintain
from beast_assets.core.preview import preview
from beast_assets.core.search import Searcher
from beast_assets.core.session import Request
from beast_assets.core.settings import Settings
from beast_assets.core.status import index_status
from beast_assets_tests.conftest import document, settle
from beast_assets_tests.homes import add_root, comparable, index, paths, published_rows
from beast_assets_tests.test_architecture import HEAVY

ACCEPT = Request(accept_drop=True)


def note(docs: Path, number: int) -> Path:
    return docs / ("sub" if number % 3 else "") / f"note-{number:02}.md"


def query(number: int) -> str:
    """Words that only this note has."""
    return f"note {number} topic{number}x0y1 topic{number}x0y5"


@pytest.fixture
def golden(settings: Settings, docs: Path) -> Settings:
    """Ten queries that all find their notes, which were scored once."""
    add_root(settings, docs)
    index(settings)
    for number in range(10):
        add(settings, query(number), [bytes(note(docs, number))])
    (docs / "one-more.md").write_text(document(50))
    index(settings)
    return settings


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many queries each evaluation asked."""
    counts: list[int] = []
    real = scoring.ranks

    def counting(searcher: Searcher, queries: Any) -> dict[str, int]:
        wanted = list(queries)
        counts.append(len(wanted))
        return real(searcher, wanted)

    monkeypatch.setattr(gate, "ranks", counting)
    return counts


def state(settings: Settings) -> tuple[Any, ...]:
    """All that readers may learn of: the published version and the indexed halves."""
    ledger = Ledger.open_existing(settings.ledger_url)
    halves = {row.file_id: (row.indexed, row.status, row.chunks) for row in ledger.files()}
    return ledger.published(), {k: v for k, v in halves.items() if v[0] is not None}


def bury(docs: Path, *numbers: int) -> None:
    """Have notes say what no query asks for; all other notes share a word with each query."""
    for number in numbers:
        note(docs, number).write_text(f"Nothing of interest{'!' * number}\n")


# -- keeping them ----------------------------------------------------------------------------------


def command(*words: object, code: int = 0) -> str:
    """The command in this process; gives its output."""
    done = CliRunner().invoke(cli, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.stdout


def answer(*words: object, code: int = 0) -> dict[str, Any]:
    """Its JSON."""
    found: dict[str, Any] = json.loads(command(*words, "--json", code=code).splitlines()[-1])
    return found


def test_commands_keep_list_ask_and_remove(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    index(settings)
    command("golden", "add", query(1), note(docs, 1))
    command("golden", "add", query(2), docs / "sub")
    command("golden", "add", "a walrus nobody wrote of", docs / "none.md")
    listed = answer("golden", "list")["golden"]
    assert [each["number"] for each in listed] == [1, 2, 3]
    assert listed[0]["paths"] == [str(note(docs, 1))]
    found = answer("golden", "run")
    assert (found["queries"], found["score"]) == (3, pytest.approx(2 / 3, abs=1e-6))
    assert found["failing"] == ["a walrus nobody wrote of"]
    assert [each["rank"] for each in found["results"]] == [1, 1, None]
    assert "67% find their file among the first 10" in command("golden", "run")
    assert answer("status")["golden"]["queries"] == 3
    command("golden", "add", query(1), note(docs, 4))  # the same words: other paths
    assert len(answer("golden", "list")["golden"]) == 3
    command("golden", "remove", "3")
    command("golden", "remove", query(2))
    assert "note-04.md" in command("golden", "list")
    command("golden", "remove", "2", code=2)
    command("golden", "remove", "1")
    assert answer("golden", "run")["score"] is None
    command("golden", "add", "x", "/elsewhere/a.md", code=2)
    command("golden", "add", " ", docs, code=2)


def test_without_a_home(settings: Settings) -> None:
    assert answer("golden", "list") == {"golden": []}
    command("golden", "run", code=10)
    command("golden", "make", "3", code=10)
    command("golden", "add", "x", "y", code=10)


def test_paths_and_words_may_be_anything(settings: Settings, docs: Path) -> None:
    name = docs / "caf\udce9\n'.md"
    name.write_text("A quokka sings.\n")
    add_root(settings, docs)
    index(settings)
    add(settings, "quokka 'OR 1=1 --\n[", [bytes(name)])
    assert load(settings.home)[0].paths == (bytes(name),)
    assert run_golden(settings)["score"] == 1.0


def test_made_queries_are_the_same_each_time_and_of_many_files(
    settings: Settings, docs: Path
) -> None:
    for number in (7, 8):
        (docs / f"copy-{number}.md").write_text(note(docs, 7).read_text())
    add_root(settings, docs)
    index(settings)
    made = make(settings, 12)
    assert len({path for each in made for path in each.paths[:1]}) == 12
    assert make(settings, 12) == []
    more = make(settings, 60)  # the first twelve are among them
    assert load(settings.home) == made + more
    assert len(made + more) == 60
    for each in made + more:
        words = each.text.split()
        for path in each.paths:
            text = Path(path.decode()).read_text()
            assert len(words) >= 4
            assert all(word in text for word in words)
        copies = [path for path in each.paths if b"copy" in path]
        assert len(copies) in (0, 2)
    assert any(len(each.paths) == 3 for each in made + more)
    assert make(settings, 5, seed=1)
    assert run_golden(settings)["score"] > 0.5


def test_a_damaged_file_of_queries_is_told_before_anything_is_done(
    golden: Settings, docs: Path
) -> None:
    (golden.home / "golden.json").write_text('[{"query": 1}]')
    (docs / "new.md").write_text("A quokka.\n")
    before = state(golden)
    with pytest.raises(UsageError, match="golden.json"):
        index(golden)
    assert state(golden) == before
    (golden.home / "golden.json").unlink()
    assert index(golden).golden is None


# -- the gate --------------------------------------------------------------------------------------


def test_a_version_that_answers_as_well_is_published_with_its_score(
    golden: Settings, docs: Path, asked: list[int]
) -> None:
    (docs / "new.md").write_text("A quokka.\n")
    report = index(golden)
    assert report.golden is not None
    assert (report.golden["score"], report.golden["before"]) == (1.0, 1.0)
    assert (report.golden["queries"], report.golden["failing"]) == (10, [])
    assert (asked, report.golden["evaluated"]) == ([10], 10)
    assert golden_status(golden, Ledger.open_existing(golden.ledger_url))["score"] == 1.0
    settle()
    index(golden)
    assert index(golden).golden is None
    assert asked == [10]


def test_a_drop_keeps_the_published_version_and_is_asked_once(
    golden: Settings, docs: Path, asked: list[int]
) -> None:
    settle()
    rows, before = comparable(published_rows(golden)), state(golden)
    bury(docs, 3)
    report = index(golden)
    files = {path: path.stat().st_mtime_ns for path in golden.home.glob("index/**/*")}
    assert report.golden is not None
    assert (report.golden["score"], report.golden["before"]) == (0.9, 1.0)
    assert report.golden["failing"] == [query(3)]
    assert "beast publish" in report.held_back[0]["reason"]
    assert report.to_dict()["buckets"] == []
    assert (report.work.embedded, report.work.changed, report.work.chunks_written) == (1, 0, 0)
    assert (state(golden), comparable(published_rows(golden))) == (before, rows)
    assert index_status(golden)["held_back"] == report.held_back

    settle()
    assert preview(golden).held_back == []  # not hashed again, so not known to be the same
    assert index(golden).held_back == report.held_back
    assert preview(golden).held_back == [report.held_back[0]["reason"]]
    for _ in range(2):
        again = index(golden)
        assert again.held_back == report.held_back
        assert again.golden == report.golden | {"evaluated": 0}
        assert (again.work.embedded, again.work.bytes_hashed) == (0, 0)
    assert asked == [10]
    assert {path: path.stat().st_mtime_ns for path in golden.home.glob("index/**/*")} == files
    note(docs, 3).touch()  # the same content
    assert index(golden).held_back == report.held_back
    assert asked == [10]


@pytest.mark.parametrize(
    "way",
    ["disk goes back", "query goes", "query changes", "threshold", "accepted", "more changes"],
)
def test_held_back_until_something_changes(
    golden: Settings, docs: Path, asked: list[int], way: str
) -> None:
    original = note(docs, 3).read_text()
    bury(docs, 3)
    assert index(golden).held_back
    request = Request()
    if way == "disk goes back":
        note(docs, 3).write_text(original)
    elif way == "query goes":
        remove(golden, query(3))
    elif way == "query changes":
        add(golden, query(3), [bytes(docs)])
    elif way == "threshold":
        golden = replace(golden, golden_drop=0.1)
    elif way == "accepted":
        request = ACCEPT
    else:
        (docs / "new.md").write_text("A quokka.\n")
    report = index(golden, request)
    if way == "more changes":
        assert report.held_back
        assert asked == [10, 10]
        return
    assert report.held_back == []
    assert index_status(golden)["golden"]["held_back"] is None
    buried = way != "disk goes back"
    text = "\n".join(row["text"] for row in published_rows(golden))
    assert ("Nothing of interest" in text) == buried
    (docs / "new.md").write_text("A quokka.\n")  # what is published now is the measure
    assert index(golden).held_back == []


def test_what_was_held_back_and_is_gone_is_told_no_more(
    golden: Settings, docs: Path, asked: list[int]
) -> None:
    original = note(docs, 3).read_text()
    note(docs, 3).unlink()
    assert index(golden).held_back
    note(docs, 3).write_text(original)
    assert index(golden).held_back == []
    assert index_status(golden)["golden"]["held_back"] is None
    assert asked == [10]  # there was no change left to ask about


def test_a_drop_within_the_threshold_passes_exactly(golden: Settings, docs: Path) -> None:
    bury(docs, 1, 2)
    assert index(replace(golden, golden_drop=0.2)).held_back == []
    settings = replace(golden, golden_drop=0.1)
    bury(docs, 3)  # 0.8 - 0.7 is more than 0.1 in floating point
    assert index(settings).held_back == []
    bury(docs, 4, 5)
    report = index(settings)
    assert report.golden is not None
    assert (report.golden["before"], report.golden["score"]) == (0.7, 0.5)
    assert report.held_back


def test_deleted_files_that_a_person_named_are_missed(golden: Settings, docs: Path) -> None:
    note(docs, 3).unlink()
    assert index(golden).held_back
    assert index(golden, ACCEPT).work.removed == 1
    assert len(load(golden.home)) == 10


def test_new_queries_are_asked_of_the_published_version_too(
    settings: Settings, docs: Path, asked: list[int]
) -> None:
    add_root(settings, docs)
    index(settings)
    add(settings, query(3), [bytes(note(docs, 3))])
    add(settings, "a walrus nobody wrote of", [bytes(docs / "none.md")])
    bury(docs, 3)
    report = index(settings)
    assert report.golden is not None
    assert (report.golden["before"], report.golden["score"]) == (0.5, 0.0)
    assert report.held_back
    assert asked == [2, 2]
    add(settings, query(5), [bytes(note(docs, 5))])
    assert index(settings).held_back
    assert asked == [2, 2, 3, 1]  # of the published version, the new one alone


def test_first_scores_are_only_recorded(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    add(settings, "a walrus nobody wrote of", [bytes(docs / "none.md")])
    add(settings, query(3), [bytes(note(docs, 3))])
    for before in (None, 0.5):
        report = index(settings)
        assert report.golden is not None
        assert (report.golden["score"], report.golden["before"]) == (0.5, before)
        assert report.held_back == []
        (docs / "new.md").write_text("A quokka.\n")


def test_run_of_the_command_records_for_the_gate(
    settings: Settings, docs: Path, asked: list[int]
) -> None:
    add_root(settings, docs)
    index(settings)
    add(settings, query(3), [bytes(note(docs, 3))])
    assert run_golden(settings)["score"] == 1.0
    assert index_status(settings)["golden"]["score"] == 1.0
    bury(docs, 3)
    assert index(settings).held_back
    assert asked == [1]


def test_a_rebuild_goes_through_the_same_gate(
    golden: Settings, docs: Path, asked: list[int]
) -> None:
    before = state(golden)
    bury(docs, 3)
    other = replace(golden, chunk_chars=400)
    rebuild = Request(rebuild=True)
    assert "beast publish --rebuild" in index(other, rebuild).held_back[0]["reason"]
    assert state(golden) == before
    assert index(other, rebuild).held_back
    assert asked == [10]
    assert len(list(Path(golden.index_uri).iterdir())) == 1  # the table is not kept
    report = index(other, replace(rebuild, accept_drop=True))
    assert (report.held_back, report.work.embedded) == ([], 0)
    assert state(golden)[0] != before[0]
    assert maintain(other).rows == len(published_rows(other))


def test_maintenance_and_a_held_back_version(golden: Settings, docs: Path) -> None:
    bury(docs, 3)
    assert index(golden).held_back
    rows = comparable(published_rows(golden))
    maintain(golden)
    assert comparable(published_rows(golden)) == rows
    assert index(golden).held_back
    index(golden, ACCEPT)
    assert "Nothing of interest" in "".join(row["text"] for row in published_rows(golden))


def test_a_lost_index_is_restored_whatever_its_score(golden: Settings, docs: Path) -> None:
    import shutil

    bury(docs, 3)
    shutil.rmtree(golden.index_uri)
    report = index(golden)
    assert report.golden is not None
    assert (report.golden["score"], report.golden["before"], report.held_back) == (0.9, None, [])
    assert len(published_rows(golden)) > 40
    (docs / "new.md").write_text("A quokka.\n")
    assert index(golden).held_back == []


def test_rows_of_no_file_are_found_again_after_a_hold(golden: Settings, docs: Path) -> None:
    ledger = Ledger.open(golden.ledger_url)
    stray = next(row for row in ledger.files() if row.path.endswith(b"note-20.md"))
    ledger.forget([stray.file_id])
    ledger.set_meta("fingerprint", "")  # somebody touched the index
    note(docs, 20).unlink()
    original = note(docs, 3).read_text()
    bury(docs, 3)
    assert index(golden).held_back
    assert stray.path in paths(golden)
    note(docs, 3).write_text(original)
    assert index(golden).held_back == []
    assert stray.path not in paths(golden)


def broken(error: Exception) -> Callable[..., Any]:
    def encode(*_: object) -> Any:
        raise error

    return encode


def test_errors_while_asking_lose_nothing(
    golden: Settings, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves, rows = state(golden)[1], comparable(published_rows(golden))
    (docs / "new.md").write_text("A quokka.\n")
    for error in (ModelError("the model is gone"), IndexDamagedError("unreadable")):
        with monkeypatch.context() as patch:
            patch.setattr("beast_assets.core.golden.gate.Searcher.rankings", broken(error))
            with pytest.raises(type(error)):
                index(golden)
        assert (state(golden)[1], comparable(published_rows(golden))) == (halves, rows)
    report = index(golden)
    assert (report.work.added, report.work.embedded, report.held_back) == (1, 0, [])


# -- files that move and go ------------------------------------------------------------------------


def test_queries_follow_a_file_that_moved(golden: Settings, docs: Path) -> None:
    make(golden, 30)
    queries = len(load(golden.home))
    assert index(golden).golden is None
    moved = note(docs, 3).rename(docs / "moved.md")
    report = index(golden)
    assert report.held_back == []
    assert len(load(golden.home)) == queries
    expected = {path for each in load(golden.home) for path in each.paths}
    assert bytes(moved) in expected
    assert bytes(note(docs, 3)) not in expected


def test_made_queries_go_with_their_file(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    index(settings)
    made = make(settings, 40)
    gone = Path(made[0].paths[0].decode())
    theirs = [each.text for each in made if bytes(gone) in each.paths]
    index(settings)
    gone.unlink()
    report = index(settings)
    assert (report.held_back, report.work.removed) == ([], 1)
    assert not set(theirs) & {each.text for each in load(settings.home)}
    assert all(text not in (settings.home / "golden.json").read_text() for text in theirs)


def test_maintenance_drops_made_queries_that_a_death_left(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    index(settings)
    make(settings, 40)
    saved = (settings.home / "golden.json").read_bytes()
    queries = load(settings.home)
    Path(queries[0].paths[0].decode()).unlink()
    index(settings)
    (settings.home / "golden.json").write_bytes(saved)
    assert len(load(settings.home)) == len(queries)
    maintain(settings)
    assert len(load(settings.home)) == len(queries) - 1


def test_forgetting_a_file_drops_what_was_made_of_it(golden: Settings, docs: Path) -> None:
    path = note(docs, 3)
    (docs / "copy.md").write_text(path.read_text())
    index(golden)
    make(golden, 60)  # of each file; one of several is of both copies
    theirs = [each.text for each in load(golden.home) if each.made and bytes(path) in each.paths]
    assert theirs
    add(golden, "either of the two", [bytes(path), bytes(note(docs, 4))])
    bury(docs, 5, 6, 7, 8, 9)
    assert index(golden).held_back
    forget(golden, [bytes(path)])
    left = {each.text: each for each in load(golden.home)}
    assert not set(theirs) & left.keys()
    assert query(3) not in left  # it had no other path
    assert left["either of the two"].paths == (bytes(note(docs, 4)),)
    written = b"".join(one.read_bytes() for one in golden.home.glob("golden*"))
    assert b"note-03" not in written
    assert all(text.encode() not in written for text in theirs)
    assert index_status(golden)["golden"]["held_back"] is None


# -- the command -----------------------------------------------------------------------------------


def test_command_holds_back_at_once_and_publishes_when_told(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    index(settings)
    command("golden", "add", query(3), note(docs, 3))
    bury(docs, 3)
    settle()
    first = answer("index", code=3)
    assert (first["embedded"], first["changed"], len(first["run_ids"])) == (1, 0, 1)
    assert first["golden"]["held_back"] == first["held_back"][0]["reason"]
    assert "beast publish" in answer("status")["golden"]["held_back"]
    assert "held back: 0% of the golden queries" in command("index", code=3)

    program = (
        "import sys\nfrom beast_assets.cli import cli\n"
        "try:\n    cli(['index', '--json'], standalone_mode=False)\n"
        "except SystemExit as ended:\n    print(ended.code, file=sys.stderr)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stderr.splitlines() == ["3", "[]"]
    counts = json.loads(done.stdout.splitlines()[-1])
    assert (counts["embedded"], counts["golden"]["evaluated"], counts["run_ids"]) == (0, 0, [])
    assert counts["held_back"] == first["held_back"]

    published = answer("publish")
    assert (published["changed"], published["embedded"], published["held_back"]) == (1, 0, [])
    assert answer("status")["golden"]["failing"] == [query(3)]
    assert answer("index")["golden"] is None


def test_ranks_go_with_the_version_in_one_transaction(
    golden: Settings, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger.open_existing(golden.ledger_url)
    before = recorded_ranks(ledger)
    assert sorted(before.values()) == [1] * 10
    (docs / "new.md").write_text("A quokka.\n")
    remove(golden, query(9))
    monkeypatch.setattr("beast_assets.core.ingest.settle", broken(RuntimeError("died")))
    with pytest.raises(RuntimeError, match="died"):
        index(golden)
    assert len(recorded_ranks(ledger)) == 9
    assert DEPTH == 10
    assert HeldBackError.exit_code == 3
