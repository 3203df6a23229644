"""When a look is taken: the pace by a clock of the test's own, events by the real kernel."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_assets.core.embedding.kept import keeping_embedder, run_embedder
from beast_assets.core.errors import LockedError
from beast_assets.core.file_events import FileEvents
from beast_assets.core.interrupts import Interrupts
from beast_assets.core.lock import holder_of, writer_lock
from beast_assets.core.settings import Settings
from beast_assets.core.watch_folders import Watched, Weight, watched_now
from beast_assets.core.watch_state import is_paused, set_paused, watch_lock, watch_status
from beast_assets.core.watching import Pace, Watching
from beast_assets_tests.homes import add_root, index


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def pace(interval_s: float = 10.0) -> tuple[Pace, Clock]:
    clock = Clock()
    return Pace(interval_s, clock), clock


def test_first_look_is_due_at_once() -> None:
    assert pace()[0].left_s() == 0


def test_a_look_is_due_after_the_interval_and_soon_after_a_run() -> None:
    found, _ = pace()
    found.looked(0.01, ran=False)
    assert found.left_s() == pytest.approx(10)
    found.looked(0.01, ran=True)
    assert found.left_s() == pytest.approx(2.5)


def test_slow_looks_take_a_twentieth_of_the_time() -> None:
    found, _ = pace()
    found.looked(4.0, ran=False)
    assert found.left_s() == pytest.approx(80)
    assert found.rest_s() == pytest.approx(4)


@pytest.mark.parametrize(("ran", "longest"), [(False, 60), (True, 3_600)])
def test_failures_are_tried_again_later_and_later(ran: bool, longest: int) -> None:
    found, clock = pace()
    waits = []
    for _ in range(40):
        waits.append(found.failed(ran=ran))
        clock.now += waits[-1]
    assert waits[:5] == [1, 2, 4, 8, 16]
    assert waits[-1] == longest
    found.failed(ran=ran)
    assert found.rest_s() <= 60  # an event, a mended file say, waits no longer than this
    found.looked(0.0, ran=False)
    assert found.failed(ran=ran) == 1


def test_what_is_written_without_end_is_not_indexed_without_end() -> None:
    found, clock = pace()
    runs = 0
    end = clock.now + 86_400
    while clock.now < end:
        clock.now += max(found.rest_s(), 0.5)
        found.looked(0.4, ran=True)
        runs += 1
    assert runs <= 30 + 86_400 / 20 + 1


def test_twenty_saves_in_a_row_wait_for_nothing() -> None:
    found, clock = pace()
    for _ in range(20):
        found.looked(0.4, ran=True)
        assert found.rest_s() == 0
        clock.now += 1


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans(), st.booleans()), max_size=50))
def test_a_look_is_always_due_some_time(steps: list[tuple[float, bool, bool]]) -> None:
    found, clock = pace()
    for took, ran, failed in steps:
        found.failed(ran=ran) if failed else found.looked(took, ran=ran)
        assert 0 <= found.rest_s() <= found.left_s() <= max(3_600, took * 20, 20 * len(steps))
        clock.now += took


# -- what events are worth -----------------------------------------------------------------------


@pytest.fixture
def watched(settings: Settings, docs: Path) -> Watched:
    (docs / ".gitignore").write_text("build/\n*.tmp\n")
    for folder in ("build/deep", ".git/objects", "node_modules/x", "sub/inner"):
        (docs / folder).mkdir(parents=True)
    (docs / "away").symlink_to(docs.parent)
    add_root(settings, docs)
    index(settings)
    return watched_now(settings)


def test_only_what_a_scan_enters_is_watched(watched: Watched, docs: Path) -> None:
    assert watched.folders == {bytes(docs / name) for name in ("", "sub", "sub/inner")}


def test_a_home_inside_a_root_is_not_watched(settings: Settings, tmp_path: Path) -> None:
    add_root(settings, tmp_path)
    found = watched_now(settings)
    assert bytes(tmp_path) in found.folders
    assert not [one for one in found.folders if one.startswith(bytes(settings.home))]
    assert found.weigh([bytes(settings.home / "ledger.sqlite-wal")]) == Weight.NOTHING
    assert found.weigh([bytes(settings.home)]) == Weight.NOTHING


WORTH = [
    ("note-00.md", Weight.FILES),
    ("gone.md", Weight.FILES),
    ("sub/inner", Weight.FOLDERS),
    ("", Weight.FOLDERS),
    (".gitignore", Weight.FOLDERS),
    ("sub/.beastignore", Weight.FOLDERS),
    ("x.tmp", Weight.NOTHING),
    ("build", Weight.NOTHING),
    ("build/deep/x.md", Weight.NOTHING),
    ("node_modules", Weight.NOTHING),
    (".git", Weight.NOTHING),
    (".git/objects/ab", Weight.NOTHING),
]


@pytest.mark.parametrize(("name", "weight"), WORTH, ids=[name or "root" for name, _ in WORTH])
def test_events_are_worth_what_a_scan_would_see(
    watched: Watched, docs: Path, name: str, weight: Weight
) -> None:
    assert watched.weigh([bytes(docs / name)]) == weight


def test_the_heaviest_event_counts(watched: Watched, docs: Path) -> None:
    paths = [bytes(docs / name) for name in ("x.tmp", "a.md", "b.md", "sub", "c.md")]
    assert watched.weigh(paths) == Weight.FOLDERS
    assert watched.weigh(paths[:3]) == Weight.FILES
    assert watched.weigh([]) == Weight.NOTHING


# -- events and looks ----------------------------------------------------------------------------


@dataclass
class Looks:
    """A loop with real events, whose looks only remember what they saw."""

    root: Path
    settings: Settings
    events: FileEvents
    interval_s: float
    held: str | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    seen: list[tuple[bool, frozenset[str]]] = field(default_factory=list)
    watched: Watched = field(default_factory=Watched)

    def look(self, full: bool) -> None:
        if full:
            self.watched = watched_now(self.settings)
            self.events.watch(self.watched)
        files = frozenset(str(path) for path in self.root.rglob("*.md"))
        ran = bool(self.seen) and files != self.seen[-1][1]
        self.seen.append((full, files))
        self.pace.looked(0.0, ran=ran)

    def run(self) -> None:
        self.pace = Pace(self.interval_s)
        Watching(
            self.events, lambda: self.watched, self.look, lambda: self.held, self.pace, self.stop
        ).run()

    def wait_for(self, reached: Callable[[], bool], seconds: float = 20) -> float:
        began = time.monotonic()
        while not reached():
            assert time.monotonic() - began < seconds
            time.sleep(0.01)
        return time.monotonic() - began

    def saw(self, path: Path) -> bool:
        return bool(self.seen) and str(path) in self.seen[-1][1]


@contextmanager
def looking(
    settings: Settings, root: Path, interval_s: float = 3_600, events: FileEvents | None = None
) -> Iterator[Looks]:
    stop = threading.Event()
    looks = Looks(root, settings, events or FileEvents(stop), interval_s, stop=stop)
    thread = threading.Thread(target=looks.run)
    thread.start()
    try:
        looks.wait_for(lambda: len(looks.seen) == 1)
        yield looks
    finally:
        stop.set()
        thread.join(10)
        looks.events.close()
        assert not thread.is_alive()


@pytest.mark.usefixtures("watched")
class TestEvents:
    def test_a_save_wakes_a_look(self, settings: Settings, docs: Path) -> None:
        with looking(settings, docs) as looks:
            (docs / "sub" / "new.md").write_text("x")
            assert looks.wait_for(lambda: looks.saw(docs / "sub" / "new.md")) < 5
            assert looks.seen[1][0] is False

    def test_what_is_ignored_wakes_none(self, settings: Settings, docs: Path) -> None:
        with looking(settings, docs) as looks:
            for number in range(50):
                for folder in ("build/deep", ".git/objects", "node_modules/x", "build"):
                    (docs / folder / f"{number}.md").write_text("x")
                (docs / f"{number}.tmp").write_text("x")
                (settings.home / f"{number}.md").write_text("x")
            (docs / "node_modules" / "y").mkdir()
            time.sleep(1)
            assert len(looks.seen) == 1
            (docs / "real.md").write_text("x")
            looks.wait_for(lambda: looks.saw(docs / "real.md"))
            assert len(looks.seen) == 2

    def test_a_burst_is_few_looks(self, settings: Settings, docs: Path) -> None:
        with looking(settings, docs) as looks:
            for number in range(500):
                (docs / "sub" / f"burst-{number}.md").write_text("x")
            looks.wait_for(lambda: len(looks.seen) > 1 and len(looks.seen[-1][1]) == 540)
            assert len(looks.seen) <= 5

    def test_nested_folders_made_at_once_are_found_and_then_watched(
        self, settings: Settings, docs: Path
    ) -> None:
        with looking(settings, docs) as looks:
            deepest = docs
            for level in range(12):
                deepest = deepest / f"level-{level}"
                deepest.mkdir()
                for number in range(5):
                    (deepest / f"{number}.md").write_text("x")
            looks.wait_for(lambda: len(looks.seen[-1][1]) == 40 + 60)
            looks.wait_for(lambda: bytes(deepest) in looks.watched.folders)
            (deepest / "later.md").write_text("x")
            looks.wait_for(lambda: looks.saw(deepest / "later.md"))

    def test_renamed_folders_are_followed(self, settings: Settings, docs: Path) -> None:
        with looking(settings, docs) as looks:
            (docs / "sub").rename(docs / "moved")
            looks.wait_for(lambda: bytes(docs / "moved") in looks.watched.folders)
            (docs / "moved" / "new.md").write_text("x")
            looks.wait_for(lambda: looks.saw(docs / "moved" / "new.md"))

    def test_a_name_that_is_no_text_does_no_harm(self, settings: Settings, docs: Path) -> None:
        with looking(settings, docs) as looks:
            for _ in range(2):
                Path(os.fsdecode(bytes(docs) + b"/\xff.md")).write_text("x")
                before = len(looks.seen)
                looks.wait_for(lambda before=before: len(looks.seen) > before)  # type: ignore[misc]
            (docs / "after.md").write_text("x")
            looks.wait_for(lambda: looks.saw(docs / "after.md"))
            looks.wait_for(lambda: looks.pace.left_s() > 5)  # the looks after the last change
            before = len(looks.seen)
            time.sleep(1)
            assert len(looks.seen) == before  # it is not told of the name for ever

    def test_without_events_the_interval_finds_all(self, settings: Settings, docs: Path) -> None:
        class Deaf(FileEvents):
            def watch(self, watched: Watched) -> None:
                pass

        with looking(settings, docs, 0.2, Deaf(threading.Event())) as looks:
            (docs / "a" / "b" / "c").mkdir(parents=True)
            (docs / "a" / "b" / "c" / "deep.md").write_text("x")
            looks.wait_for(lambda: looks.saw(docs / "a" / "b" / "c" / "deep.md"))

    def test_held_is_no_look_and_then_a_full_one(self, settings: Settings, docs: Path) -> None:
        with looking(settings, docs) as looks:
            looks.held = "paused"
            time.sleep(1.2)
            before = len(looks.seen)
            (docs / "new.md").write_text("x")
            time.sleep(1.2)
            assert len(looks.seen) == before
            looks.held = None
            looks.wait_for(lambda: looks.saw(docs / "new.md"))
            assert looks.seen[-1][0] is True

    def test_a_root_that_went_away_and_came_back(self, settings: Settings, docs: Path) -> None:
        with looking(settings, docs, 0.5) as looks:
            docs.rename(docs.with_name("elsewhere"))
            looks.wait_for(lambda: not looks.watched.folders)
            docs.with_name("elsewhere").rename(docs)
            looks.wait_for(lambda: bytes(docs / "sub") in looks.watched.folders)


def test_the_limit_of_the_kernel_is_told_with_a_way_out(tmp_path: Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare")
    for number in range(9):
        (tmp_path / f"folder-{number}").mkdir()
    program = (
        "import sys, threading, time; from pathlib import Path\n"
        "from beast_assets.core.file_events import FileEvents, NoEventsError\n"
        "from beast_assets.core.watch_folders import Watched\n"
        "events = FileEvents(threading.Event())\n"
        "folders = frozenset(map(bytes, Path(sys.argv[1]).iterdir()))\n"
        "try: events.watch(Watched((), folders))\n"
        "except NoEventsError as error: print(error)\n"
        "began = time.monotonic()\n"
        "print(events.wait(0.3), time.monotonic() - began >= 0.3)"
    )
    limit = "/proc/sys/user/max_inotify_watches"
    command = ["unshare", "-Ur", "sh", "-c", f'echo 5 > {limit} || exit 77; exec "$@"', "sh"]
    command += [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("this system lets nobody set a limit of his own")
    words, waited = done.stdout.splitlines()
    assert "sysctl fs.inotify.max_user_watches" in words
    assert waited == "() True"


# -- small parts ---------------------------------------------------------------------------------


def test_a_signal_ends_work_once_and_is_remembered() -> None:
    with Interrupts() as told:
        assert not told.pending()
        with pytest.raises(KeyboardInterrupt), told.raised():
            os.kill(os.getpid(), 15)
            time.sleep(5)
        assert told.pending()
        with pytest.raises(KeyboardInterrupt), told.raised():
            raise AssertionError("work began after all")


def test_a_signal_that_another_handler_swallowed_is_seen() -> None:
    import signal

    with Interrupts() as told:
        ours = signal.signal(signal.SIGTERM, lambda *_: None)
        os.kill(os.getpid(), signal.SIGTERM)
        signal.signal(signal.SIGTERM, ours)
        assert not told.stop.is_set()
        assert told.pending()
        assert told.stop.is_set()


def test_one_model_for_all_runs_and_none_for_others() -> None:
    with keeping_embedder():
        first, second = [run_embedder("hashing", threads=1, backend="auto") for _ in range(2)]
        assert first is second
        assert run_embedder("hashing", threads=2, backend="auto") is not first
    first, second = [run_embedder("hashing", threads=1, backend="auto") for _ in range(2)]
    assert first is not second


def test_a_pause_is_a_file_and_its_words(settings: Settings) -> None:
    assert watch_status(settings) == {"watch": "not running", "process": None}
    set_paused(settings, True)
    assert is_paused(settings)
    assert watch_status(settings)["watch"] == "not running, paused"
    set_paused(settings, False)
    set_paused(settings, False)
    assert not is_paused(settings)


def test_a_lock_of_another_kind_names_its_holder(settings: Settings) -> None:
    settings.home.mkdir()
    path = watch_lock(settings)
    assert holder_of(path) is None
    with writer_lock(path, what="`beast watch`"):
        assert holder_of(path) == os.getpid()
        refused = []

        def second() -> None:
            try:
                with writer_lock(path, what="`beast watch`"):
                    pass
            except LockedError as error:
                refused.append(str(error))

        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        assert f"another `beast watch` (process {os.getpid()}" in refused[0]
    assert holder_of(path) is None
    path.write_text('{"process": {"pid": 1')
    assert holder_of(path) is None
