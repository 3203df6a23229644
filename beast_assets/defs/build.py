"""The code location put together from its parts; no part is written here."""

import dagster as dg

from beast_assets.defs.assets import build_assets
from beast_assets.defs.checks import check_health, check_health_hourly, index_health
from beast_assets.defs.data_checks import check_data_job, check_data_nightly, data_checks
from beast_assets.defs.jobs import (
    build_rehash_schedule,
    index_all,
    index_changed,
    maintain_job,
    maintain_nightly,
)
from beast_assets.defs.partitions import bucket_partitions
from beast_assets.defs.resources import SettingsResource
from beast_assets.defs.sensors import build_files_changed_sensor


def build_defs(
    *,
    settings: SettingsResource | None = None,
    executor: dg.ExecutorDefinition | None = None,
    backfill_policy: dg.BackfillPolicy | None = None,
) -> dg.Definitions:
    """Build the code location.

    Args:
        settings: where settings come from; by default the files and variables of the process.
        executor: what runs steps; in process by default, because there is one step and a process
            of its own would load the model again.
        backfill_policy: how a backfill is cut into runs; one run by default.
    """
    resource = settings or SettingsResource()
    plain = resource.get()
    partitions = bucket_partitions(plain)
    return dg.Definitions(
        assets=[build_assets(plain, partitions, backfill_policy)],
        asset_checks=[index_health, data_checks],
        jobs=[index_all, index_changed, maintain_job, check_health, check_data_job],
        schedules=[
            build_rehash_schedule(partitions),
            maintain_nightly,
            check_health_hourly,
            check_data_nightly,
        ],
        sensors=[build_files_changed_sensor(plain)],
        resources={"settings": resource},
        executor=executor or dg.in_process_executor,
    )
