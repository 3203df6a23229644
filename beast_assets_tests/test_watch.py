"""``beast watch`` as a real process: what it finds, what it obeys, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from beast_assets.core.home import dagster_home
from beast_assets.core.settings import Settings, load_settings
from beast_assets.core.watch_state import watch_status
from beast_assets.defs.launch import home_instance
from beast_assets.defs.names import ASSETS
from beast_assets.defs.runs import IN_FLIGHT
from beast_assets_tests.conftest import document
from beast_assets_tests.homes import add_root, clean_build, comparable, paths, published_rows

# The command itself; it is on battery while there is a file of that name.
_COMMAND = """
import os, sys
from beast_assets.core import gentle
gentle.runs_on_battery = lambda: os.path.exists(os.environ["BATTERY"])
from beast_assets import cli
cli.main()
"""
# The same with a model that takes its time over each batch.
_SLOW = """
import time
from beast_assets import cli
from beast_assets.core.embedding.hashing_backend import HashingEmbedder
encode = HashingEmbedder.encode
def slow(self, texts):
    if texts != ["warm"]:
        print("embedding", flush=True)
        time.sleep(60)
    return encode(self, texts)
HashingEmbedder.encode = slow
cli.main()
"""


@dataclass
class Watch:
    """A running ``beast watch --json`` and what it has said."""

    settings: Settings
    program: str = _COMMAND
    words: tuple[str, ...] = ()
    said: list[dict[str, Any]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def start(self) -> "Watch":
        environment = os.environ | {
            "BEAST_HOME": str(self.settings.home),
            "BEAST_MODEL": "hashing",
            "BEAST_WATCH_SECONDS": str(self.settings.watch_seconds),
            "BATTERY": str(self.battery),
            "PYTHONPATH": str(Path(__file__).parents[1]),
        }
        command = [sys.executable, "-c", self.program, "watch", "--json", *self.words]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    @property
    def battery(self) -> Path:
        return self.settings.home.with_name("battery")

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.decode().strip())
            if line.startswith(b"{"):
                self.said.append(json.loads(line))

    def events(self, event: str) -> list[dict[str, Any]]:
        return [said for said in self.said if said["event"] == event]

    def wait_for(self, what: str, reached: Callable[[], Any], seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not reached():
            assert self.process.poll() is None, self.lines
            assert time.monotonic() < deadline, (what, self.lines)
            time.sleep(0.05)

    def finds(self, *names: str) -> bool:
        return {name.encode() for name in names} <= paths(self.settings)

    def end(self, number: int = signal.SIGTERM, within: float = 40) -> int:
        self.process.send_signal(number)
        try:
            return self.process.wait(within)
        finally:
            self.kill()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


def settings_of(home: Path, seconds: int) -> Settings:
    return load_settings({"home": home, "model": "hashing", "watch_seconds": seconds}, {})


def statuses(settings: Settings) -> list[dg.DagsterRunStatus]:
    with home_instance(settings) as instance:
        return [run.status for run in instance.get_runs()]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    """One watcher for all tests that leave it running."""
    folder = tmp_path_factory.mktemp("watch")
    settings = settings_of(folder / "home", 1)
    (folder / "docs" / "sub").mkdir(parents=True)
    for number in range(10):
        (folder / "docs" / f"note-{number}.md").write_text(document(number))
    add_root(settings, folder / "docs")
    watch = Watch(settings, words=("--stop-on-battery", "--nice")).start()
    try:
        watch.wait_for("the first run", lambda: watch.events("run"))
        yield watch
    finally:
        watch.kill()


@pytest.fixture
def docs(running: Watch) -> Path:
    return running.settings.home.with_name("docs")


def test_first_look_indexes_all(running: Watch) -> None:
    assert running.events("run")[0]["added"] == 10
    assert running.said[0]["event"] == "started"


def test_edit_create_rename_and_delete_are_found(running: Watch, docs: Path) -> None:
    (docs / "new.md").write_text("A walrus.")
    running.wait_for("the new file", lambda: running.finds("new.md"))

    def texts() -> str:
        rows = published_rows(running.settings)
        return "".join(row["text"] for row in rows if row["path"] == b"new.md")

    (docs / "new.md").write_text("Two walruses.")
    running.wait_for("the edit", lambda: texts() == "Two walruses.")
    (docs / "new.md").rename(docs / "sub" / "renamed.md")
    running.wait_for("the rename", lambda: running.finds("sub/renamed.md"))
    assert not running.finds("new.md")
    (docs / "sub" / "renamed.md").unlink()
    running.wait_for("the deletion", lambda: not running.finds("sub/renamed.md"))


def test_a_tree_made_at_once_is_found_whole(running: Watch, docs: Path) -> None:
    names = []
    folder = docs
    for level in range(8):
        folder = folder / f"level-{level}"
        folder.mkdir()
        for number in range(5):
            (folder / f"{number}.md").write_text(f"Leaf {level} {number}.")
            names.append(str((folder / f"{number}.md").relative_to(docs)))
    running.wait_for("the tree", lambda: running.finds(*names))


def test_a_burst_of_files_is_few_runs(running: Watch, docs: Path) -> None:
    before = len(running.events("run"))
    for number in range(500):
        (docs / f"burst-{number}.md").write_text(f"Burst {number}.")
    names = [f"burst-{number}.md" for number in range(500)]
    running.wait_for("the burst", lambda: running.finds(*names))
    assert len(running.events("run")) - before <= 3


def test_a_root_that_is_added_meanwhile(running: Watch, docs: Path) -> None:
    other = docs.with_name("other")
    other.mkdir()
    (other / "elsewhere.md").write_text("Elsewhere.")
    add_root(running.settings, other)
    running.wait_for("the new root", lambda: running.finds("elsewhere.md"))
    (other / "again.md").write_text("Again.")
    running.wait_for("a file of the new root", lambda: running.finds("again.md"))


def test_a_root_that_goes_away_is_told_once(running: Watch, docs: Path) -> None:
    running.wait_for("a root", lambda: running.finds("note-1.md"))
    docs.rename(docs.with_name("away"))
    running.wait_for("the message", lambda: running.events("away"))
    time.sleep(2.2)  # two more looks
    docs.with_name("away").rename(docs)
    (docs / "back.md").write_text("Back.")
    running.wait_for("its files", lambda: running.finds("back.md", "note-1.md"))
    assert len(running.events("away")) == 1


@pytest.mark.parametrize("how", ["pause", "battery"])
def test_a_pause_holds_until_it_ends(running: Watch, docs: Path, how: str) -> None:
    def hold(on: bool) -> None:
        if how == "battery":
            running.battery.touch() if on else running.battery.unlink()
        else:
            words = ["watch", "--pause" if on else "--resume", "--home", str(running.settings.home)]
            subprocess.run([sys.executable, "-m", "beast_assets.cli", *words], check=True)

    before = len(running.events("paused"))
    hold(True)
    running.wait_for("the pause", lambda: len(running.events("paused")) > before)
    (docs / f"during-{how}.md").write_text("Meanwhile.")
    time.sleep(2)
    assert not running.finds(f"during-{how}.md")
    assert watch_status(running.settings)["messages"]["paused"].startswith("paused")
    hold(False)
    running.wait_for("going on", lambda: running.finds(f"during-{how}.md"))


def test_a_second_watcher_is_refused(running: Watch) -> None:
    second = Watch(running.settings).start()
    assert second.process.wait(60) == 11
    second.kill()
    assert str(running.process.pid) in json.loads(second.lines[-1])["error"]


def test_runs_are_recorded_as_any_other(running: Watch) -> None:
    runs = running.events("run")
    with home_instance(running.settings) as instance:
        found = {run.run_id: run for run in instance.get_runs()}
        assert {run_id for run in runs for run_id in run["run_ids"]} <= found.keys()
        for said in runs[:3]:
            (run_id,) = said["run_ids"]
            assert found[run_id].status == dg.DagsterRunStatus.SUCCESS
            records = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
            events = [record.asset_materialization for record in records]
            logged = {(one.asset_key.to_user_string(), one.partition) for one in events if one}
            assert logged == {(name, bucket) for name in ASSETS for bucket in said["buckets"]}


def test_a_run_leaves_a_small_record(running: Watch) -> None:
    history = dagster_home(running.settings) / "history" / "runs"
    (run_id,) = running.events("run")[-1]["run_ids"]
    assert (history / f"{run_id}.db").stat().st_size < 150_000


def test_another_indexing_run_is_waited_for(running: Watch, docs: Path) -> None:
    from beast_assets.core.home import lock_path
    from beast_assets.core.lock import writer_lock

    with writer_lock(lock_path(running.settings)):
        (docs / "late.md").write_text("Late.")
        running.wait_for("the message", lambda: running.events("error"))
    assert "another indexing run" in running.events("error")[-1]["message"]
    running.wait_for("the file", lambda: running.finds("late.md"))


def test_at_last_it_ends_at_once_and_the_index_is_that_of_a_clean_build(
    running: Watch, tmp_path: Path
) -> None:
    # What a run publishes is found before the run has ended.
    running.wait_for(
        "rest", lambda: set(statuses(running.settings)) == {dg.DagsterRunStatus.SUCCESS}
    )
    began = time.monotonic()
    assert running.end() == 0
    assert time.monotonic() - began < 10  # half a second on a quiet machine
    assert running.said[-1]["event"] == "stopped"
    assert running.said[-1]["runs"] == len(running.events("run"))
    rows = comparable(published_rows(running.settings))
    assert rows == clean_build(running.settings, tmp_path / "clean")
    assert watch_status(running.settings)["watch"] == "not running"


@pytest.fixture
def embedding(tmp_path: Path) -> Iterator[Watch]:
    """A watcher in the middle of a run."""
    settings = settings_of(tmp_path / "home", 1)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "note.md").write_text("A walrus.")
    add_root(settings, tmp_path / "docs")
    watch = Watch(settings, program=_SLOW).start()
    try:
        watch.wait_for("the run", lambda: "embedding" in watch.lines)
        yield watch
    finally:
        watch.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_during_a_run_it_ends_the_run(embedding: Watch, number: int) -> None:
    began = time.monotonic()
    assert embedding.end(number) == 0
    assert time.monotonic() - began < 20  # the model would have taken a minute
    (status,) = statuses(embedding.settings)
    assert status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
    assert not embedding.events("error")
    assert json.loads((embedding.settings.home / "watch.json").read_text())["looks"] == 1


def test_killed_during_a_run_the_next_one_goes_on(embedding: Watch) -> None:
    assert embedding.end(signal.SIGKILL) == -signal.SIGKILL
    assert statuses(embedding.settings)[0] in IN_FLIGHT
    again = Watch(embedding.settings).start()
    again.wait_for("its run", lambda: again.events("run"))
    assert again.finds("note.md")
    assert sorted(statuses(embedding.settings), key=str) == [
        dg.DagsterRunStatus.FAILURE,
        dg.DagsterRunStatus.SUCCESS,
    ]
    assert again.end() == 0
