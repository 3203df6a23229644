"""The HTTP server: kept answers against computed ones, and the load that it bears.

Server, index runs and what asks share the machine's cores, so the rates are those of a server that
has less than all of it. Half of the questions were asked before, on average; each index run makes
a new version, of which nothing is kept yet.
"""

import json
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from urllib.request import urlopen

from beast_assets.core.home import prepare_home
from beast_assets.core.search import IndexHandle
from benchmarks.harness import (
    Line,
    Missing,
    Options,
    Result,
    Spread,
    at_least,
    at_most,
    paired_values,
    seconds,
)
from benchmarks.homes import CHECKOUT, beast, environment, settings_for, settle
from benchmarks.load import Caller, Outcome, load, search_path

_MODEL = "hashing"
_REAL_MODEL = "all-MiniLM-L6-v2"
_VOCABULARY = 5_000
_AT_ONCE = 200
_CALM_MS = 250.0
_STEP = 1.25

Ask = Callable[[str], object]


def run(options: Options) -> Result:
    """A kept answer against a computed one; equal questions at once; load beside index runs."""
    files = options.size("files", 3_000, 60)
    real = options.size("real_files", 1_000, 20)
    lines = []
    for model, number in ((_MODEL, files), (_REAL_MODEL, real)):
        home = _home(options.folder / model, number, model)
        lines += _kept(home, model, options)
    load_lines, missing = _load(options.folder / _MODEL, options)
    setup = {"files": files, "files with the model": real, "k": 10, "at once": _AT_ONCE}
    return Result("serve", "Answers over HTTP", lines + load_lines, missing, setup)


def _words(random_: random.Random, number: int) -> str:
    words = (f"w{int(random_.random() ** 2 * _VOCABULARY)}" for _ in range(number))
    return " ".join(words)


def _home(folder: Path, files: int, model: str) -> Path:
    random_ = random.Random(1)  # noqa: S311 - the same texts every time
    (folder / "docs").mkdir(parents=True)
    for number in range(files):
        (folder / "docs" / f"{number:05}.txt").write_text(_words(random_, 80))
    settle()
    prepare_home(settings_for(folder / "home", model))
    beast(folder / "home", "index", folder / "docs", model=model)
    return folder / "home"


@contextmanager
def _server(home: Path, model: str) -> Iterator[str]:
    command = [sys.executable, "-m", "beast_assets.cli", "serve", "--port", "0", "--json"]
    surroundings = environment(home, model)
    with subprocess.Popen(  # noqa: S603 - our own words
        command, env=surroundings, cwd=CHECKOUT, stdout=subprocess.PIPE
    ) as child:
        try:
            said = child.stdout.readline() if child.stdout else b""
            yield json.loads(said)["url"]
        finally:
            child.send_signal(signal.SIGTERM)


# -- kept and computed -------------------------------------------------------------------------


def _kept(home: Path, model: str, options: Options) -> list[Line]:
    with IndexHandle(settings_for(home, model)) as handle:
        lines = _against(handle.search, f"{model}, in process", options)
    with _server(home, model) as url:
        with closing(Caller(url)) as caller:
            lines += _against(caller.get, f"{model}, over HTTP", options)
        return [*lines, _at_once(url, model, options)]


def _against(ask: Ask, where: str, options: Options) -> list[Line]:
    questions = options.size("questions", 50, 3)
    new = (f"w{number} w{number * 7 % 997} w3" for number in count())
    ask("w1 w2 w3")

    def each_ms(asked: Iterator[str]) -> float:
        chosen = [next(asked) for _ in range(questions)]
        return seconds(lambda: [ask(one) for one in chosen]) / questions * 1e3

    works = {
        "computed": partial(each_ms, new),
        "kept": partial(each_ms, iter(lambda: "w1 w2 w3", None)),
    }
    took = paired_values(works, options.rounds)
    parts = {f"{name}, ms": took.spread(name) for name in works}
    ratio = took.ratio("computed", "kept")
    return [Line(f"a kept answer, {where}", ratio, "×", "a computed one", at_least(20), parts)]


def _at_once(url: str, model: str, options: Options) -> Line:
    def asked(question: str) -> float:
        before = _computed(url)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            callers = [Caller(url) for _ in range(_AT_ONCE)]
            list(pool.map(lambda caller: caller.get(question), callers))
            for caller in callers:
                caller.close()
        return _computed(url) - before

    found = [asked(f"w{number} at once") for number in range(options.rounds)]
    label = f"{_AT_ONCE} equal questions at once, {model}: computed"
    return Line(label, Spread.of(found), "times", reach=at_most(1))


def _computed(url: str) -> float:
    with urlopen(f"{url}/metrics") as answer:  # noqa: S310 - of this machine
        figures = answer.read().decode()
    return float(figures.partition('beast_searches_total{answered="computed"} ')[2].split()[0])


# -- load --------------------------------------------------------------------------------------


def _load(folder: Path, options: Options) -> tuple[list[Line], list[Missing]]:
    step_s, hold_s = options.size("step_s", 8, 1), options.size("hold_s", 60, 2)
    paths = _drawn()
    with _server(folder / "home", _MODEL) as url:
        alone = _highest(url, paths, step_s, options)
        with _indexing(folder) as versions:
            beside = _highest(url, paths, step_s, options)
            before = len(versions)
            held = load(url, paths, beside, hold_s)
            published = len(versions) - before
    calm = f"no error, 99 % within {_CALM_MS:g} ms"
    lines = [
        Line("questions a second, alone", Spread.of([alone]), "/s", note=calm),
        Line("questions a second, beside index runs", Spread.of([beside]), "/s", note=calm),
    ]
    if not held.milliseconds:
        return lines, [Missing("a load that is held", "no rate was borne beside index runs")]
    label = f"{beside:.0f} a second for {hold_s} s beside {published} index runs"
    return lines + _held(label, held), []


def _held(label: str, held: Outcome) -> list[Line]:
    return [
        Line(f"{label}: errors", Spread.of([float(held.errors.total())]), "", reach=at_most(0)),
        Line(f"{label}: half within", Spread.of([held.percentile(50)]), "ms"),
        Line(f"{label}: 99 % within", Spread.of([held.percentile(99)]), "ms"),
    ]


def _drawn() -> Iterator[str]:
    """Questions as people ask them: every other one is among the few that are asked again."""
    random_ = random.Random(2)  # noqa: S311 - the same questions every time
    often: Sequence[str] = [_words(random_, 4) for _ in range(20)]
    while True:
        again = random_.random() < 0.5
        yield search_path(random_.choice(often) if again else _words(random_, 4))


def _highest(url: str, paths: Iterator[str], step_s: float, options: Options) -> float:
    """The highest rate of a rising series that is borne; each is tried twice."""
    rate, borne = float(options.size("first_rate", 10, 5)), 0.0
    most = options.size("most_rate", 10_000, 10)
    while rate <= most and any(_calm(load(url, paths, rate, step_s)) for _ in range(2)):
        rate, borne = rate * _STEP, rate
    return borne


def _calm(outcome: Outcome) -> bool:
    return not outcome.errors and outcome.percentile(99) <= _CALM_MS


@contextmanager
def _indexing(folder: Path) -> Iterator[list[int]]:
    """Index runs one after the other, each over ten changed files; gives what they published."""
    stop, published = threading.Event(), list[int]()

    def work() -> None:
        random_ = random.Random(3)  # noqa: S311
        while not stop.is_set():
            for number in range(10):
                (folder / "docs" / f"{number:05}.txt").write_text(_words(random_, 80))
            beast(folder / "home", "index")
            published.append(len(published))

    runner = threading.Thread(target=work)
    runner.start()
    try:
        yield published
    finally:
        stop.set()
        runner.join()
