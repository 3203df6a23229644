"""A million vectors: what the index finds of what exact search finds, and how soon.

The rows carry no text, and questions are other vectors around the same centres, none of them a
row. Search asks for 50 rows, as a hybrid question does.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beast_assets.core.ann import Plan, by_vector, keep
from beast_assets.core.index import ChunkIndex, Row
from beast_assets.core.recall import DEPTH, HITS, Probing, exam_of, recall_of
from benchmarks.harness import (
    Line,
    Missing,
    Options,
    Result,
    Spread,
    at_least,
    at_most,
    paired_values,
)
from benchmarks.quantiles import Quantiles
from benchmarks.vectors import clustered

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DIMENSION = 384
_TABLE = "chunks_bench_1"
_EXACT = 5


def run(options: Options) -> Result:
    """Sizes: ``rows`` and ``questions``."""
    rows = options.size("rows", 1_000_000, 22_000)
    asked = options.size("questions", 200, 20)
    index, filled = _fill(options.folder, rows)
    began, burnt = time.perf_counter(), time.process_time()
    plan = keep(index, _TABLE, None, optimize=True)
    built, burnt = time.perf_counter() - began, time.process_time() - burnt
    questions = next(clustered(asked, _DIMENSION, seed=2))
    setup: dict[str, Any] = plan.describe() if plan else {"kind": "exact"}
    setup |= {"rows": rows, "dimension": _DIMENSION, "questions": asked, "filled_s": round(filled)}
    title = f"Vector search over {rows:,} rows"
    if plan is None or not plan.probes:
        return Result("ann", title, [], [Missing("all of it", "search is exact")], setup)
    lines = [
        _recall(index, plan, questions),
        *_times(index, plan, questions, options),
        Line(
            "building the index and choosing how it is searched",
            Spread.of([built]),
            "s",
            reach=at_most(300),
            parts={"CPU s": Spread.of([burnt])},
        ),
    ]
    return Result("ann", title, lines, setup=setup)


def _fill(folder: Path, rows: int) -> tuple[ChunkIndex, float]:
    began, number = time.perf_counter(), 0
    index = ChunkIndex.create(str(folder), _TABLE, _DIMENSION)
    for vectors in clustered(rows, _DIMENSION, seed=1):
        index.add([_row(number + at) for at in range(len(vectors))], vectors)
        number += len(vectors)
    return index, time.perf_counter() - began


def _row(number: int) -> Row:
    return Row(f"{number:032x}", f"{number // 8:032x}", "root", b"p", "c", "t", 0, 0, 1, 1, "", "")


def _recall(index: ChunkIndex, plan: Plan, questions: "NDArray[np.float16]") -> Line:
    exam = exam_of(index, 0, questions.astype("float32"))
    found = recall_of(index, exam, Probing(plan.probes, plan.refine))
    return Line(
        f"of the {HITS} best rows, found",
        Spread.of([found]),
        "of 1",
        "exact search",
        at_least(0.99),
    )


def _times(
    index: ChunkIndex, plan: Plan, questions: "NDArray[np.float16]", options: Options
) -> list[Line]:
    ours = Quantiles(partial(_ask, index, plan), list(questions))
    exact = Quantiles(partial(_ask, index, None), list(questions[:_EXACT]))
    works: dict[str, Callable[[], float]] = {"ours": ours, "exact": exact}
    took = paired_values(works, max(3, min(options.rounds, 3)))
    return [
        Line("a question, median", took.spread("ours"), "ms", reach=at_most(30)),
        Line("a question, 99 of 100", ours.spread(0.99), "ms"),
        Line(
            "a question",
            took.ratio("exact", "ours"),
            "×",
            "exact search",
            parts={f"{name}, ms": took.spread(name) for name in works},
        ),
    ]


def _ask(index: ChunkIndex, plan: Plan | None, question: Any) -> object:
    search = by_vector(index.table, question.astype("float32"), plan)
    return search.with_row_id(True).select(["_distance"]).limit(DEPTH).to_arrow()
