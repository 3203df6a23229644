"""Nothing changed: how soon do we know? Against ``find``, and against CocoIndex."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from beast_assets.core.pipeline import run_index
from beast_assets.core.roots import register_roots
from beast_assets.core.session import Request, open_session
from beast_assets.core.settings import Settings
from benchmarks import peers_process
from benchmarks.harness import Line, Missing, Options, Result, at_least, at_most, paired
from benchmarks.homes import beast, make_tree, settings_for, settle

_PER_FOLDER = 20
_FIND = ("-printf", r"%s %T@ %C@ %i\n")


def run(options: Options) -> Result:
    """The check in process over many files, and the whole process over fewer."""
    many = options.size("files", 100_000, 400)
    few = options.size("process_files", 20_000, 200)
    lines, missing = [], []
    if shutil.which("find"):
        lines.append(_check(options, many))
    else:
        missing.append(Missing("in-process check", "there is no find to compare with"))
    whole, reason = _whole_process(options, few)
    lines += whole
    if reason:
        missing.append(reason)
    setup = {"files": many, "folders": -(-many // _PER_FOLDER), "process_files": few}
    return Result("scan", "Nothing changed: time to know it", lines, missing, setup)


def _check(options: Options, files: int) -> Line:
    root = make_tree(options.folder / "many", files, _PER_FOLDER)
    settings = settings_for(options.folder / "home-many")
    settle()
    index(settings, root)
    find = ["find", str(root), *_FIND]
    took = paired(
        {
            "ours": lambda: check(settings),
            "find": lambda: subprocess.run(find, stdout=subprocess.DEVNULL, check=True),  # noqa: S603
        },
        options.rounds,
    )
    return Line(
        f"in-process check of {files:,} files",
        took.ratio("ours", "find"),
        "×",
        "the time of find -printf '%s %T@ %C@ %i'",
        at_most(1.8),
        took.parts(),
        "lock, ledger, scan with ignore rules, comparison",
    )


def index(settings: Settings, root: Path) -> None:
    """Index a folder, without Dagster."""
    with open_session(settings, Request()) as session:
        register_roots(session.ledger, [bytes(root)], settings.home)
    run_index(settings, Request(), run_id="benchmark")


def check(settings: Settings) -> None:
    """Look the home over, and be sure that there is nothing to do."""
    with open_session(settings, Request()) as session:
        if session.changed_buckets():
            raise RuntimeError("something changed, which should not have")


def _whole_process(options: Options, files: int) -> tuple[list[Line], Missing | None]:
    root = make_tree(options.folder / "few", files, _PER_FOLDER)
    home, state = options.folder / "home-few", options.folder / "cocoindex"
    settle()
    beast(home, "index", root)
    works: dict[str, Callable[[], object]] = {"ours": lambda: _nothing_to_do(home)}
    reason = peers_process.absent("cocoindex")
    if reason is None:
        peers_process.run("cocoindex", root, state, model=False)
        works["cocoindex"] = lambda: _nothing_embedded(root, state)
    took = paired(works, options.rounds)
    label = f"`beast index`, nothing changed in {files:,} files, whole process"
    ours = Line(label, took.spread("ours"), "s", reach=at_most(1.2))
    if reason is not None:
        return [ours], Missing("the same against CocoIndex", reason)
    ratio = took.ratio("cocoindex", "ours")
    against = "CocoIndex's whole process, its model not loaded"
    return [ours, Line(label, ratio, "×", against, at_least(5), took.parts())], None


def _nothing_to_do(home: Path) -> None:
    answer = beast(home, "index")
    if answer["buckets"]:
        raise RuntimeError(f"`beast index` found work: {answer}")


def _nothing_embedded(root: Path, state: Path) -> None:
    answer = peers_process.run("cocoindex", root, state, model=False)
    if answer.embedded:
        raise RuntimeError(f"CocoIndex embedded {answer.embedded} texts")
