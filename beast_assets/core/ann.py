"""The approximate index over vectors: built where it pays, and searched hard enough.

How hard is chosen by measurement (``core.recall``): the cheapest way of searching that finds, of
the ten rows that exact search finds, .995 on one half of a sample and .99 on the other. Where none
does, search stays exact. The choice lies in the ledger beside the published version, and is made
again whenever maintenance has written the index anew.
"""

import json
import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from beast_assets.core.index import ChunkIndex
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Published
from beast_assets.core.recall import DEPTH, Exam, Probing, approximate, exam_of, nearest, recall_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_log = logging.getLogger(__name__)

# Exact search takes 8 ms at 10,000 rows, 30 at 30,000, 150 at 100,000; an index 4 at 100,000.
ANN_FROM_ROWS = 20_000
# A code is looked at in 5 ns: few and large partitions cost a search little, and are built in a
# fraction of the time. LanceDB splits those that grow beyond 16,384.
_ROWS_A_PARTITION = 8_192
_TRAINED_ON, _ITERATIONS = 64, 20
# Each is looked through by itself, with as many probes.
_MOST_SEGMENTS = 8
_SAMPLE = 200
_CHOSEN, _CONFIRMED = 0.995, 0.99
#: More partitions than there are.
_EVERY = 1_000_000
_REFINE = (1, 2, 4, 8, 16)
# What looking at a row's vector costs, if looking at its code costs 1.
_VECTOR_COST = 1_600
_FACT = "ann"


@dataclass(frozen=True)
class Plan:
    """How the vectors of a table are searched.

    Attributes:
        table: of the index.
        since: its version from which on this holds.
        index: the state of the index over the vectors.
        built_rows: rows when it was built.
        rows: rows when this was measured.
        probes: how many of its partitions are looked through; 0: search is exact.
        refine: so many times the rows asked for are compared by their whole vectors.
        recall: measured, of ten; that of the hardest search where none found enough.
    """

    table: str
    since: int
    index: str
    built_rows: int
    rows: int
    probes: int
    refine: int
    recall: float

    def describe(self) -> dict[str, Any]:
        """For people who ask for the status."""
        if not self.probes:
            why = f"the index over {self.rows} rows finds {self.recall} of ten: it is not used"
            return {"kind": "exact", "reason": why}
        probes = "all" if self.probes == _EVERY else self.probes
        measured = {"recall_at_10": self.recall, "measured_rows": self.rows}
        return {"kind": "IVF_RQ", "probes": probes, "refine": self.refine, **measured}


def plan_of(ledger: Ledger, published: Published | None) -> Plan | None:
    """The plan for a published version; None where there is none: search is exact."""
    try:
        plan = Plan(**json.loads(ledger.meta(_FACT) or ""))
    except (ValueError, TypeError):
        return None
    if published is None or plan.table != published.table or plan.since > published.version:
        return None
    return plan


def facts(plan: Plan | None) -> dict[str, str]:
    """The plan, as the ledger keeps it."""
    return {_FACT: json.dumps(asdict(plan)) if plan else ""}


def by_vector(table: Any, vector: Any, plan: Plan | None, where: Any = None) -> Any:
    """A search of a table for the rows nearest to a vector.

    Args:
        table: of LanceDB.
        vector: of unit length.
        plan: for this version of the table; None for exact search.
        where: which rows count, as an expression; None for all. Where these are few, each of them
            is compared. They may lie in any partition, and the best of them far from the vector,
            where codes tell little: of many, those of every partition are looked at, and as many
            are compared as ever.
    """
    search = nearest(table, vector)
    if where is None:
        if plan is None or not plan.probes:
            return search.bypass_vector_index()
        return approximate(search, Probing(plan.probes, plan.refine))
    search = search.where(where)
    if plan is None or not plan.probes or _are_few(table, where):
        return search.bypass_vector_index()
    return approximate(search, Probing(_EVERY, max(_REFINE)))


def _are_few(table: Any, where: Any) -> bool:
    rows = table.search().where(where).select(["char_start"]).limit(ANN_FROM_ROWS).to_arrow()
    return len(rows) < ANN_FROM_ROWS


def keep(
    index: ChunkIndex,
    table: str,
    before: Plan | None,
    *,
    optimize: bool = False,
    queries: "NDArray[np.float32] | None" = None,
) -> Plan | None:
    """Build the index over the vectors where it pays, and choose how it is searched.

    Args:
        index: at its latest version, about to be published.
        table: its name.
        before: the plan until now.
        optimize: merge fragments and fold all rows into the indices.
        queries: vectors of questions to measure with beside those made of rows, unit length.

    Returns:
        The plan from the latest version on; None for exact search.
    """
    rows = index.count()
    before = before if before is not None and before.table == table else None
    built_rows = rows
    if rows >= ANN_FROM_ROWS:
        if before is None or _is_outgrown(index, before, rows):
            _build(index, rows)
        else:
            built_rows = before.built_rows
    if optimize:
        index.optimize()
    found = index.vector_index()
    if rows < ANN_FROM_ROWS or found is None:
        return None
    if before is not None and before.index == found.state:
        return before
    probing, recall = _tune(index, exam_of(index, _SAMPLE, queries), rows)
    return Plan(table, index.version, found.state, built_rows, rows, *probing, round(recall, 4))


def _is_outgrown(index: ChunkIndex, plan: Plan, rows: int) -> bool:
    """Whether the index is lost, in many parts, lacks a quarter of the rows or was for half."""
    found = index.vector_index()
    if found is None or found.segments >= _MOST_SEGMENTS:
        return True
    return 4 * found.unindexed > rows or rows > 2 * plan.built_rows


def _build(index: ChunkIndex, rows: int) -> None:
    from lancedb.index import IvfRq

    config = IvfRq(
        distance_type="dot",
        num_partitions=max(1, rows // _ROWS_A_PARTITION),
        sample_rate=_TRAINED_ON,
        max_iterations=_ITERATIONS,
    )
    index.table.create_index("vector", config=config)


def _tune(index: ChunkIndex, exam: Exam, rows: int) -> tuple[Probing, float]:
    chosen_on, confirmed_on = exam.halves()
    ways = _ways(rows)
    for way in ways:
        recall = recall_of(index, chosen_on, way, _CHOSEN)
        if recall >= _CHOSEN:
            confirmed = recall_of(index, confirmed_on, way)
            if confirmed >= _CONFIRMED:
                return way, (recall + confirmed) / 2
    _log.warning("no search through the index finds what exact search finds: search stays exact")
    return Probing(0, 0), recall_of(index, exam, ways[-1])


def _ways(rows: int) -> list[Probing]:
    """Ways of searching, the cheapest first."""
    partitions = max(1, rows // _ROWS_A_PARTITION)
    looked_at = {max(1, round(partitions * share)): share * rows for share in (1 / 8, 1 / 4, 1 / 2)}
    costs = {
        Probing(probes, refine): codes + DEPTH * refine * _VECTOR_COST
        for probes, codes in (looked_at | {_EVERY: rows}).items()
        for refine in _REFINE
    }
    return sorted(costs, key=lambda way: costs[way])
