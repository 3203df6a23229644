"""How the golden queries stand, for people who ask."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from beast_assets.core.errors import LockedError
from beast_assets.core.golden.held import held_verdict, record_ranks, recorded_ranks
from beast_assets.core.golden.queries import load
from beast_assets.core.golden.scoring import DEPTH, mean_reciprocal, ranks, share_found
from beast_assets.core.home import lock_path
from beast_assets.core.ledger import Ledger
from beast_assets.core.lock import writer_lock
from beast_assets.core.search.searcher import Searcher
from beast_assets.core.settings import Settings


def run_golden(settings: Settings) -> dict[str, Any]:
    """Ask the golden queries of the published index.

    Returns:
        ``queries``, ``score`` (the share that finds an expected file among the first ten files),
        ``mrr`` (both None without queries), ``k``, ``failing`` (labels), ``version``, and
        ``results``: each query as ``GoldenQuery.to_dict``, its ``number`` and its ``rank``.

    Raises:
        NoIndexError: nothing is published.
        IndexDamagedError: the index cannot be read.
    """
    ledger = Ledger.open_existing(settings.ledger_url)
    searcher = Searcher(settings, ledger=ledger)
    queries = load(settings.home)
    found = ranks(searcher, queries)
    # For the gate; while a run is under way, the run asks for itself.
    with suppress(LockedError), writer_lock(lock_path(settings)):
        if ledger.published() == searcher.published:
            record_ranks(ledger, found)
    results = [
        {"number": number, **query.to_dict(), "rank": found[query.key] or None}
        for number, query in enumerate(queries, 1)
    ]
    failing = [query.label for query in queries if not found[query.key]]
    scores = _scores(list(found.values()))
    answer = {"queries": len(queries), **scores, "k": DEPTH, "failing": failing}
    return answer | {"version": searcher.version, "results": results}


def golden_status(settings: Settings, ledger: Ledger) -> dict[str, Any]:
    """How many there are, what is known of the published version, and what is held back."""
    queries = load(settings.home)
    known = recorded_ranks(ledger)
    found = [known[query.key] for query in queries if query.key in known]
    held = held_verdict(ledger)
    return {
        "queries": len(queries),
        **_scores(found),
        "failing": [query.label for query in queries if known.get(query.key) == 0],
        "held_back": held["held_back"] if held else None,
    }


def _scores(found: Sequence[int]) -> dict[str, float | None]:
    if not found:
        return {"score": None, "mrr": None}
    return {"score": round(share_found(found), 6), "mrr": round(mean_reciprocal(found), 6)}


def listed(settings: Settings) -> list[dict[str, Any]]:
    """The golden queries with their numbers."""
    queries = enumerate(load(settings.home), 1)
    return [{"number": number, **query.to_dict()} for number, query in queries]


def golden_lines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Queries in words, with their ranks where they were asked."""
    lines = []
    for each in results:
        made = f" ({each['label']})" if each["made"] else ""
        rank = f": rank {each['rank'] or 'beyond ' + str(DEPTH)}" if "rank" in each else ""
        lines.append(f"{each['number']}. {' '.join(each['query'].split())}{made}{rank}")
        lines += [f"   {path}".replace("\n", "\\n") for path in each["paths"]]
    return lines or ["no golden queries: `beast golden add QUERY PATH` or `beast golden make 20`"]


def run_lines(found: Mapping[str, Any]) -> list[str]:
    """A run of the golden queries in words."""
    lines = golden_lines(found["results"])
    if found["queries"]:
        lines.append(
            "{queries} queries: {score:.0%} find their file among the first {k}, "
            "MRR@{k} {mrr:.3f}".format_map(found)
        )
    return lines
