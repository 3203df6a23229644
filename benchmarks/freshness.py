"""A file is saved: how soon is it found? Under ``beast watch``, and under Dagster's sensor."""

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

import beast_assets
from beast_assets.core.search import IndexHandle
from beast_assets.core.watch_state import watch_status
from benchmarks import corpus
from benchmarks.harness import Line, Missing, Options, Result, Spread, at_most
from benchmarks.homes import beast, environment, settings_for, settle

_MODEL = "all-MiniLM-L6-v2"
_POLL_S = 0.02
_LATEST_S = 120.0
_SENSOR_SECONDS = 5
_IDLE_S = 20.0
_MIB = 2**20


def run(options: Options) -> Result:
    """Edits of documents of the mix, one by one, each looked for by a word that only it has."""
    title = "From saving a file to finding it"
    reason = corpus.absent()
    if reason is not None:
        return Result("freshness", title, [], [Missing("all", reason)])
    files = options.size("files", 100, 6)
    edits, by_sensor = options.size("edits", 20, 3), options.size("sensor_edits", 10, 0)
    model = "hashing" if options.quick else _MODEL
    docs, home = options.folder / "docs", options.folder / "home"
    corpus.make_mix(docs, files)
    settle()
    beast(home, "index", docs, model=model)
    editor = _Editor(docs, home, model)
    lines = _under_watch(editor, edits, 1.0 if options.quick else _IDLE_S)
    missing = [] if by_sensor else [Missing("under the sensor", "no edits were asked for")]
    if by_sensor:
        lines.append(_under_sensor(editor, by_sensor))
    setup = {"files": files, "edits": edits, "sensor_edits": by_sensor, "model": model}
    return Result("freshness", title, lines, missing, setup)


class _Editor:
    """Edits file after file, and asks for what it wrote."""

    def __init__(self, docs: Path, home: Path, model: str) -> None:
        self.docs, self.home, self.model = docs, home, model
        self._files = sorted(path for path in docs.rglob("*") if path.is_file())
        self._count = 0

    def save(self, index: IndexHandle) -> float:
        """Put a line into the middle of the next file; seconds until it is found."""
        path = self._files[self._count % len(self._files)]
        self._count += 1
        word = f"zqwalrus{self._count}"
        lines = path.read_text().splitlines(keepends=True)
        lines.insert(len(lines) // 2, f"# The {word} sings by the sea.\n")
        began = time.perf_counter()
        path.write_text("".join(lines))
        while not any(word in hit.text for hit in index.search(f"who is {word}", k=5)):
            if time.perf_counter() - began > _LATEST_S:
                raise RuntimeError(f"{path} was not found within {_LATEST_S:.0f} s")
            time.sleep(_POLL_S)
        return time.perf_counter() - began

    def times(self, edits: int, warm_up: int) -> list[float]:
        """Of so many saves, a moment of rest after each."""
        took = []
        with beast_assets.open(self.home, model=self.model) as index:
            for number in range(warm_up + edits):
                took.append(self.save(index))
                time.sleep(1.0 + 0.1 * (number % 10))  # not in step with any interval
        return took[warm_up:]


def _under_watch(editor: _Editor, edits: int, idle_s: float) -> list[Line]:
    command = [sys.executable, "-m", "beast_assets.cli", "watch", "--json"]
    with _ended(command, environment(editor.home, editor.model), editor.home) as process:
        _wait_for("beast watch", lambda: _is_watching(editor), process)
        editor.times(0, warm_up=2)
        before = _cpu_s(process)
        took = editor.times(edits, warm_up=0)
        each = (_cpu_s(process) - before) / edits
        share = _cpu_share(process, idle_s)
        resident = process.memory_info().rss / _MIB
    parts = {"CPU s of a save": _one(each)}
    found = _line("save to found, `beast watch`", took, 1.5, parts)
    idle = Line("CPU of an idle `beast watch`", Spread.of([share]), "% of a core")
    return [found, idle, Line("memory of `beast watch`", Spread.of([resident]), "MiB")]


def _is_watching(editor: _Editor) -> bool:
    return watch_status(settings_for(editor.home, editor.model))["process"] is not None


def _under_sensor(editor: _Editor, edits: int) -> Line:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "beast_assets.cli", "dev", "--port", str(port)]
    variables = environment(editor.home, editor.model)
    variables |= {"BEAST_SENSOR_SECONDS": str(_SENSOR_SECONDS)}
    with _ended(command, variables, editor.home) as process:
        _wait_for("beast dev", lambda: _answers(port), process)
        took = editor.times(edits, warm_up=1)
    return _line(f"save to found, sensor each {_SENSOR_SECONDS} s", took, 12)


def _line(
    label: str, took: Sequence[float], most_s: float, parts: Mapping[str, Spread] | None = None
) -> Line:
    p95 = sorted(took)[max(0, round(0.95 * len(took)) - 1)]
    parts = {"p95, s": _one(p95), **(parts or {})}
    return Line(label, Spread.of(took), "s", reach=at_most(most_s), parts=parts)


def _one(value: float) -> Spread:
    return Spread.of([value])


def _cpu_share(process: psutil.Process, seconds: float) -> float:
    before = _cpu_s(process)
    time.sleep(seconds)
    return 100 * (_cpu_s(process) - before) / seconds


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/server_info", timeout=5):
            return True
    except (OSError, urllib.error.URLError):
        return False


@contextmanager
def _ended(
    command: Sequence[str], variables: Mapping[str, str], home: Path
) -> Iterator[psutil.Process]:
    """Run a service meanwhile, and be sure that nothing of it is left."""
    log = home.with_name("service.log")
    with log.open("ab") as out:
        child = subprocess.Popen(  # noqa: S603 - our own words
            command, env=dict(variables), cwd=home.parent, stdout=out, stderr=out
        )
    process = psutil.Process(child.pid)
    try:
        yield process
    finally:
        family = [*process.children(recursive=True)]
        child.send_signal(signal.SIGTERM)
        child.wait(60)
        _, alive = psutil.wait_procs(family, timeout=30)
        for left in alive:
            left.kill()
    if alive:
        raise RuntimeError(f"left behind by {command[3]}: {alive}")


def _wait_for(what: str, reached: Callable[[], bool], process: psutil.Process) -> None:
    deadline = time.monotonic() + _LATEST_S
    while not reached():
        if time.monotonic() > deadline or not process.is_running():
            raise RuntimeError(f"{what} did not start; its words are in service.log")
        time.sleep(0.2)
