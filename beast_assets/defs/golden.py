"""The check that golden queries find their files; its results come from the indexing step."""

from collections.abc import Iterator

import dagster as dg

from beast_assets.core.report import Report

GOLDEN_QUERIES = dg.AssetCheckSpec(
    name="golden_queries",
    asset="embeddings",
    description="The share of golden queries (`beast golden`) that find their file among the first "
    "ten, in the version that a run is about to publish. Where it drops by more than "
    "BEAST_GOLDEN_DROP, the version before it stays published.",
)


def golden_results(
    context: dg.AssetExecutionContext, report: Report
) -> Iterator[dg.AssetCheckResult]:
    """What the golden queries said in this run; nothing if they were not asked."""
    found = report.golden
    if found is None or GOLDEN_QUERIES.key not in context.selected_asset_check_keys:
        return
    yield dg.AssetCheckResult(
        check_name=GOLDEN_QUERIES.name,
        asset_key=GOLDEN_QUERIES.asset_key,
        passed=not found["held_back"],
        severity=dg.AssetCheckSeverity.ERROR,
        description=found["held_back"] or None,
        metadata={
            "score": found["score"],
            "before": found["before"],
            "mrr": found["mrr"],
            "queries": found["queries"],
            "failing": found["failing"],
            "evaluated": found["evaluated"],
        },
    )
