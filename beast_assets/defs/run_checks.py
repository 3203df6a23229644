"""Checks whose results come from the indexing step: from its own counts, at no cost."""

from collections.abc import Iterator

import dagster as dg

from beast_assets.core.errors import NoIndexError
from beast_assets.core.ledger import Ledger
from beast_assets.core.report import BucketReport, Report, Work
from beast_assets.core.settings import Settings
from beast_assets.defs.golden import GOLDEN_QUERIES, golden_results

_RUNS = 100

TOKENS_READ = dg.AssetCheckSpec(
    name="tokens_read",
    asset="chunks",
    description="The model read every token of every text that it was given in the run: a model "
    "drops what is too long for it without a word, and what it dropped is found by no question.",
)

RUN_CHECKS = [GOLDEN_QUERIES, TOKENS_READ]


def run_results(context: dg.AssetExecutionContext, report: Report) -> Iterator[dg.AssetCheckResult]:
    """What the checks say of this run; nothing where there was nothing to look at."""
    yield from golden_results(context, report)
    if report.work.embedded and TOKENS_READ.key in context.selected_asset_check_keys:
        yield tokens_result(report)


def last_counts(settings: Settings) -> Report:
    """What the checks go by, from the last runs that had something to say of it."""
    report = Report()
    try:
        runs = Ledger.open_existing(settings.ledger_url).recent_reports(_RUNS)
    except NoIndexError:
        return report
    for run in runs:
        report.golden = run.get("golden") or report.golden
        if run.get("embedded"):
            work = Work(embedded=run["embedded"], tokens_truncated=run["tokens_truncated"])
            report.buckets = [BucketReport("", work)]
    return report


def tokens_result(report: Report) -> dg.AssetCheckResult:
    """Whether a text was longer than the model reads."""
    failing = [bucket.bucket for bucket in report.buckets if bucket.work.tokens_truncated]
    lost = report.work.tokens_truncated
    named = list(filter(None, failing))  # what a run recorded does not name them
    words = f"{lost} tokens were not read: lower BEAST_CHUNK_CHARS, then `beast index --rebuild`"
    return dg.AssetCheckResult(
        check_name=TOKENS_READ.name,
        asset_key=TOKENS_READ.asset_key,
        passed=not failing,
        description=words if failing else None,
        metadata={
            "tokens_truncated": lost,
            "embedded": report.work.embedded,
            "failing_buckets": dg.MetadataValue.json(named),
        },
    )
