"""What is found: our search against other ways to fuse its lists, other chunks, and plain windows.

Sets of several kinds: judged questions (Cranfield), known items of prose (PEPs), of code (the
standard library), and of texts that no choice was made by (descriptions of installed packages).
Each question is asked once, by vector and by text; every fusion is computed of these two lists.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from beast_assets.core.settings import Settings
from benchmarks import corpus
from benchmarks.asked import Asked, ask_ours, ask_plain
from benchmarks.fusions import COMPARED, Fusion, by_ranks, by_text, by_vector, ours
from benchmarks.harness import Line, Missing, Options, Result, Spread, at_least
from benchmarks.homes import settings_for
from benchmarks.question_sets import (
    QuestionSet,
    cranfield,
    descriptions,
    peps,
    standard_library,
)

_MODEL = "all-MiniLM-L6-v2"
_CHUNKERS: dict[str, dict[str, Any]] = {
    "`BEAST_CHUNKER=window`": {"chunker": "window"},
    "`BEAST_CHUNK_OVERLAP=200`": {"chunk_overlap": 200},
}
_PLAIN = "windows of 1200/200"


def run(options: Options) -> Result:
    """Every set by every recipe; chunkers on the known items of PEPs only, which takes minutes."""
    sets, missing = _sets(options)
    by_set = {each.name: _ask(each, options) for each in sets}
    lines = [line for name, both in by_set.items() for line in _of_set(name, *both)]
    lines += _overall({name: both[0] for name, both in by_set.items()})
    if "PEPs" in by_set:
        lines += _chunkers(next(each for each in sets if each.name == "PEPs"), by_set, options)
    setup = {
        each.name: {"documents": len(each.texts), "questions": by_set[each.name][0].counts()}
        for each in sets
    }
    return Result("retrieval", "What is found", lines, missing, setup)


def _sets(options: Options) -> tuple[list[QuestionSet], list[Missing]]:
    makers: dict[str, Callable[[], QuestionSet]] = {
        "Cranfield": lambda: cranfield(options.folder, options.size("questions", 225, 10)),
        "PEPs": lambda: peps(options.size("peps", 120, 4)),
        "standard library": lambda: standard_library(options.size("modules", 120, 4)),
        "packages": lambda: descriptions(options.size("packages", 150, 4)),
    }
    if options.quick:  # all of its abstracts are needed, or the judgements mean nothing
        del makers["Cranfield"]
    absent: dict[str, str | None] = {
        name: corpus.absent() for name in ("Cranfield", "PEPs") if name in makers
    }
    missing = [Missing(name, reason) for name, reason in absent.items() if reason]
    return [make() for name, make in makers.items() if not absent.get(name)], missing


def _ask(asked: QuestionSet, options: Options) -> tuple[Asked, Asked]:
    """Ours and plain windows."""
    folder = options.folder / asked.name.replace(" ", "-")
    settings = _settings(options, folder / "home")
    return (
        ask_ours(asked, settings, folder / "files"),
        ask_plain(asked, settings, folder / "windows"),
    )


def _settings(options: Options, home: Path) -> Settings:
    home.parent.mkdir(parents=True)
    return settings_for(home, "hashing" if options.quick else _MODEL)


def _of_set(name: str, own: Asked, plain: Asked) -> list[Line]:
    """A line for each kind of question."""
    recipes: dict[str, Mapping[str, float]] = {
        "vector": own.scores(by_vector),
        "text": own.scores(by_text),
        "RRF, k = 60": own.scores(COMPARED["RRF, k = 60"]),
        _PLAIN: plain.scores(lambda vector, text: by_ranks(vector, text, 60)),
    }
    found, counts = own.scores(ours), own.counts()
    lines = []
    for kind, value in found.items():
        others = {recipe: scores[kind] for recipe, scores in recipes.items()}
        judged = kind == "judged"
        lines.append(
            Line(
                f"{name}: {kind} ({counts[kind]})",
                Spread.of([value]),
                "nDCG@10" if judged else "MRR@10",
                "; ".join(f"{recipe} {score:.3f}" for recipe, score in others.items()),
                at_least(round(max(others["vector"], others["text"]), 3)) if judged else None,
            )
        )
    return lines


def _overall(by_set: Mapping[str, Asked]) -> list[Line]:
    """A line for each recipe: the mean of the sets, each the mean of its kinds."""
    fusions: dict[str, Fusion] = {"ours": ours, "vector": by_vector, "text": by_text, **COMPARED}
    return [
        Line(
            f"all sets: {recipe}",
            Spread.of([fmean(_mean(asked, fusion) for asked in by_set.values())]),
            "mean score",
            "; ".join(f"{name} {_mean(asked, fusion):.3f}" for name, asked in by_set.items()),
        )
        for recipe, fusion in fusions.items()
    ]


def _chunkers(
    asked: QuestionSet, by_set: Mapping[str, tuple[Asked, Asked]], options: Options
) -> list[Line]:
    own, plain = by_set[asked.name]
    found = {"content, 1,200 characters": own}
    for number, (name, values) in enumerate(_CHUNKERS.items()):
        folder = options.folder / f"chunker-{number}"
        settings = replace(_settings(options, folder / "home"), **values)
        found[name] = ask_ours(asked, settings, folder / "files")
    found[_PLAIN] = plain
    return [
        Line(
            f"{asked.name}, chunks: {name}",
            Spread.of([_mean(each, ours)]),
            "mean score",
            f"vector {_mean(each, by_vector):.3f}; text {_mean(each, by_text):.3f};"
            f" {len(each.places):,} chunks",
            note="fused by ours; the plain windows' full text knows no phrases",
        )
        for name, each in found.items()
    ]


def _mean(asked: Asked, fusion: Fusion) -> float:
    return fmean(asked.scores(fusion).values())
