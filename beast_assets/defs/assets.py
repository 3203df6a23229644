"""The four assets. They are one step, so that a file streams from its reading to its vectors.

The step yields nothing: it logs a materialization for each bucket that it brought up to date, on
all four assets, so that one run can serve buckets with gaps between them and leave others alone.
"""

import warnings
from collections.abc import Iterator

import dagster as dg

from beast_assets.core.chunking import chunker_recipe
from beast_assets.core.corpus_picture import RUNS, corpus_picture
from beast_assets.core.corpus_shape import CorpusShape
from beast_assets.core.ledger import Ledger
from beast_assets.core.pipeline import run_index
from beast_assets.core.report import BucketReport, Report
from beast_assets.core.session import Request
from beast_assets.core.settings import Settings
from beast_assets.core.settings_cache import cache_info
from beast_assets.core.text import EXTRACTORS
from beast_assets.defs.columns import column_metadata
from beast_assets.defs.metadata import Metadata, bucket_metadata
from beast_assets.defs.names import (
    ASSETS,
    CHECKED_ASSET,
    DATA_VERSION_TAG,
    INDEX_STEP,
    MODE_CHANGED,
    MODE_TAG,
)
from beast_assets.defs.resources import SettingsResource
from beast_assets.defs.run_checks import RUN_CHECKS, last_counts, run_results
from beast_assets.defs.runs import clear_dead_runs, sign

_GROUP = "beast"
_OWNERS = ["team:beast"]

_DESCRIPTIONS = {
    "manifest": "Every file below the roots that no rule excludes, with size and times. Links, "
    "sockets and what cannot be read are rows with a reason.",
    "file_hashes": "SHA-256 of each file, streamed in constant memory; taken again only where "
    "size, mtime, ctime or inode say that the file may have changed.",
    "chunks": "Windows of the files' text, at most 1,200 characters and within what the model "
    "reads; every non-blank character lies in one.",
    "embeddings": "A vector for each chunk, in LanceDB. A text that was embedded before is not "
    "embedded again, wherever it stands now.",
}
_KINDS = {
    "manifest": {"python", "file"},
    "file_hashes": {"python", "sqlite"},
    "chunks": {"python", "text"},
    "embeddings": {"python", "lancedb", "sentencetransformers"},
}


class IndexConfig(dg.Config):
    """Options of an indexing run.

    Attributes:
        rehash: read and hash every file again, whatever its times say.
        rebuild: write the whole index anew with today's model and chunker.
        allow_mass_delete: take files out of the index also where a root lost all or most of them.
        accept_drop: publish even if the golden queries find less than in the published version.
    """

    rehash: bool = False
    rebuild: bool = False
    allow_mass_delete: bool = False
    accept_drop: bool = False


def code_versions(settings: Settings) -> dict[str, str]:
    """What each asset's content depends on beside the files."""
    extractors = " ".join(f"{name}/{version}" for name, version in sorted(EXTRACTORS.items()))
    chunks = f"{chunker_recipe(settings)} {extractors}"
    return {
        "manifest": "1",
        "file_hashes": "sha256",
        "chunks": chunks,
        "embeddings": f"{settings.model} {chunks}",
    }


def build_assets(
    settings: Settings,
    partitions: dg.PartitionsDefinition[str],
    backfill_policy: dg.BackfillPolicy | None = None,
) -> dg.AssetsDefinition:
    """The assets ``manifest`` → ``file_hashes`` → ``chunks`` → ``embeddings``.

    Args:
        settings: for code versions only; a run reads its own.
        partitions: shared by all four.
        backfill_policy: one run for all partitions by default; ``multi_run(1)`` spreads a backfill
            over a cluster.
    """
    versions = code_versions(settings)
    upstream = dict(zip(ASSETS[1:], ASSETS, strict=False))
    specs = [
        dg.AssetSpec(
            name,
            deps=[upstream[name]] if name in upstream else [],
            description=_DESCRIPTIONS[name],
            group_name=_GROUP,
            owners=_OWNERS,
            kinds=_KINDS[name],
            tags={"beast/step": INDEX_STEP},
            metadata=column_metadata(name),
            code_version=versions[name],
            partitions_def=partitions,
            skippable=True,
        )
        for name in ASSETS
    ]
    with warnings.catch_warnings():
        # Beta: the policy, without which a range could not be materialized in one run, and the
        # references to the code.
        warnings.simplefilter("ignore", dg.BetaWarning)
        policy = backfill_policy or dg.BackfillPolicy.single_run()

        @dg.multi_asset(
            specs=specs,
            name=INDEX_STEP,
            can_subset=True,
            backfill_policy=policy,
            check_specs=RUN_CHECKS,
        )
        def index(
            context: dg.AssetExecutionContext, config: IndexConfig, settings: SettingsResource
        ) -> Iterator[dg.AssetCheckResult]:
            plain = settings.get()
            if not (context.has_partition_key or context.has_partition_key_range):
                # "Execute" in the UI asks for checks alone: nothing is to be indexed for them.
                yield from run_results(context, last_counts(plain))
                return
            report = _run(context, config, plain)
            for held in report.held_back:
                context.log.warning(f"held back: {held['reason']}")
            for bucket in report.materialized:
                _log(context, bucket, report, plain.ui_previews)
            if report.materialized:
                _log_corpus(context, plain, report)
            context.log.info(
                f"index version {report.version}, {len(report.materialized)} buckets; "
                f"settings cache hit rate {cache_info().hit_rate:.0%}"
            )
            yield from run_results(context, report)

        (found,) = dg.with_source_code_references([index])
    assert isinstance(found, dg.AssetsDefinition)  # noqa: S101 of one definition one comes back
    return found


def _run(context: dg.AssetExecutionContext, config: IndexConfig, settings: Settings) -> Report:
    sign(context.instance, context.run.run_id)
    request = Request(
        buckets=tuple(context.partition_keys),
        only_changed=context.run.tags.get(MODE_TAG) == MODE_CHANGED,
        rehash=config.rehash,
        rebuild=config.rebuild,
        allow_mass_delete=config.allow_mass_delete,
        accept_drop=config.accept_drop,
    )
    return run_index(
        settings,
        request,
        run_id=context.run.run_id,
        timeout_s=settings.lock_timeout_s,
        waiting=context.log.info,
        clear_up=lambda: clear_dead_runs(context.instance),
    )


def _log(
    context: dg.AssetExecutionContext, bucket: BucketReport, report: Report, previews: bool
) -> None:
    # All four are recorded, whichever were selected: the one step brought all of them up to date.
    for name in ASSETS:
        context.log_event(
            dg.AssetMaterialization(
                name,
                partition=bucket.bucket,
                metadata=bucket_metadata(name, bucket, report, previews=previews),
                tags={DATA_VERSION_TAG: bucket.holding.digest},
            )
        )


def _log_corpus(context: dg.AssetExecutionContext, settings: Settings, report: Report) -> None:
    # Once a run and of no partition: the whole corpus, and what the index was built with.
    ledger = Ledger.open_existing(settings.ledger_url)
    shape = report.shape or CorpusShape()
    runs = ledger.recent_reports(RUNS)
    picture = corpus_picture(shape, [bucket.detail for bucket in report.buckets], runs)
    metadata: Metadata = {
        "dagster/row_count": report.totals.get("chunks", 0),
        "corpus": dg.MetadataValue.md(picture),
        "files": shape.files,
        "bytes": shape.bytes,
        "chunks": report.totals.get("chunks", 0),
        "skipped": report.totals.get("skipped", 0),
        "quarantined": report.totals.get("quarantined", 0),
        "run_seconds": round(report.seconds, 3),
        "recipe": dg.MetadataValue.json(ledger.recipe() or {}),
        **({} if report.version is None else {"index_version": report.version}),
    }
    context.log_event(dg.AssetObservation(CHECKED_ASSET, metadata=metadata))
