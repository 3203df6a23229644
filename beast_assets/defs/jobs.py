"""Jobs: over the four assets, and maintenance; and when they run by themselves."""

import dagster as dg

from beast_assets.core.maintenance import maintain
from beast_assets.defs.names import (
    ASSETS,
    INDEX_ALL,
    INDEX_CHANGED,
    INDEX_STEP,
    MAINTAIN,
    MODE_CHANGED,
    MODE_TAG,
    RANGE_END_TAG,
    RANGE_START_TAG,
)
from beast_assets.defs.resources import SettingsResource
from beast_assets.defs.run_checks import RUN_CHECKS
from beast_assets.defs.runs import sign

# Checks have runs of their own, for an indexing run is not to wait for them; save those whose
# results it has in hand.
_SELECTION = dg.AssetSelection.assets(*ASSETS).without_checks() | dg.AssetSelection.checks(
    *(spec.key for spec in RUN_CHECKS)
)

index_all = dg.define_asset_job(
    INDEX_ALL,
    selection=_SELECTION,
    description="Materialize the chosen partitions, those without changes too.",
)

index_changed = dg.define_asset_job(
    INDEX_CHANGED,
    selection=_SELECTION,
    tags={MODE_TAG: MODE_CHANGED},
    description="Materialize those of the chosen partitions in which a file changed.",
)


@dg.op(description="Merge the index's fragments and remove its old versions.")
def maintain_index(context: dg.OpExecutionContext, settings: SettingsResource) -> None:
    """Run ``core.maintenance.maintain`` under the writer lock."""
    sign(context.instance, context.run.run_id)
    plain = settings.get()
    done = maintain(plain, timeout_s=plain.lock_timeout_s, waiting=context.log.info)
    context.log.info(
        f"{done.rows} rows: {done.bytes_before} bytes before, {done.bytes_after} after; "
        f"{done.vectors_removed} unused vectors, {done.tables_removed} old tables removed"
    )


@dg.job(
    name=MAINTAIN,
    description="Optimize the index, purge what was deleted; each night, and whenever you like.",
)
def maintain_job() -> None:
    """The one op."""
    maintain_index()


maintain_nightly = dg.ScheduleDefinition(
    name="maintain_nightly",
    job=maintain_job,
    cron_schedule="30 4 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)


def range_tags(first: str, last: str) -> dict[str, str]:
    """Tags that make a run cover the partitions from ``first`` to ``last``."""
    return {RANGE_START_TAG: first, RANGE_END_TAG: last}


def index_config(
    *,
    rehash: bool = False,
    rebuild: bool = False,
    allow_mass_delete: bool = False,
    accept_drop: bool = False,
) -> dict[str, object]:
    """Run configuration of the indexing step."""
    config = {
        "rehash": rehash,
        "rebuild": rebuild,
        "allow_mass_delete": allow_mass_delete,
        "accept_drop": accept_drop,
    }
    return {"ops": {INDEX_STEP: {"config": config}}}


def build_rehash_schedule(
    partitions: dg.StaticPartitionsDefinition, cron: str = "0 3 * * *"
) -> dg.ScheduleDefinition:
    """Read and hash everything again once a night.

    A write through a memory map, or a disk that rots, may leave every time of a file as it was.
    """
    keys = partitions.get_partition_keys()

    @dg.schedule(
        name="rehash_nightly",
        cron_schedule=cron,
        job=index_changed,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def rehash_nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        """Hash every file again; only partitions in which one differs are materialized."""
        return dg.RunRequest(
            run_key=None,
            run_config=index_config(rehash=True),
            tags=range_tags(keys[0], keys[-1]),
        )

    return rehash_nightly
