"""Runs that Dagster believes alive though their process is gone.

Dagster's default launcher has no health check: a killed run stays STARTED for ever, and a slot of a
pool that it had claimed stays claimed. Whoever takes the writer lock after a death clears up here.
"""

import json
import time
from collections.abc import Iterator

import dagster as dg

from beast_assets.core.processes import is_gone, this_process
from beast_assets.defs.names import (
    ASSETS,
    CHECK_DATA,
    CHECK_HEALTH,
    IMPLICIT_JOB,
    INDEX_ALL,
    INDEX_CHANGED,
    MAINTAIN,
    PROCESS_TAG,
)

IN_FLIGHT = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# A run whose process never told its number is given up after this long.
_SILENT_S = 600.0


def is_ours(run: dg.DagsterRun) -> bool:
    """Whether a run works on our index; the instance may be shared with other projects."""
    if run.job_name == IMPLICIT_JOB:
        return bool({key.to_user_string() for key in run.asset_selection or ()} & set(ASSETS))
    return run.job_name in (INDEX_ALL, INDEX_CHANGED, MAINTAIN, CHECK_HEALTH, CHECK_DATA)


def sign(instance: dg.DagsterInstance, run_id: str) -> None:
    """Tell which process works on a run, the machine included."""
    instance.add_run_tags(run_id, {PROCESS_TAG: json.dumps(this_process().to_dict())})


def clear_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs whose process is gone as failed and free what they held.

    Returns:
        The ids of these runs.
    """
    records = instance.get_run_records(dg.RunsFilter(statuses=IN_FLIGHT))
    ours = [record for record in records if is_ours(record.dagster_run)]
    dead = [record for record in ours if _is_dead(instance, record)]
    for record in dead:
        run = record.dagster_run
        instance.report_run_failed(run, "The process of this run is gone; marked as failed.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [record.dagster_run.run_id for record in dead]


def end_own_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark as canceled what this process was running when it was told to stop; their ids."""
    tags = {PROCESS_TAG: json.dumps(this_process().to_dict())}
    runs = instance.get_runs(dg.RunsFilter(statuses=IN_FLIGHT, tags=tags))
    for run in runs:
        instance.report_run_canceled(run, "This process was told to stop.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in runs]


def _is_dead(instance: dg.DagsterInstance, record: dg.RunRecord) -> bool:
    tag = record.dagster_run.tags.get(PROCESS_TAG)
    if tag is not None:
        process = json.loads(tag)
        return is_gone(process["pid"], seen_at=process["started"], host=process["host"])
    seen = list(processes_of(instance, record.dagster_run.run_id))
    if not seen:
        return time.time() - record.create_timestamp.timestamp() > _SILENT_S
    return all(is_gone(pid, seen_at=at) for pid, at in seen)


def processes_of(instance: dg.DagsterInstance, run_id: str) -> Iterator[tuple[int, float]]:
    """Numbers of processes that worked on a run, and when they said so (epoch seconds)."""
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        if event is None:
            continue
        pid = event.engine_event_data.metadata.get("pid")
        if pid is not None:
            yield int(str(pid.value)), entry.timestamp
