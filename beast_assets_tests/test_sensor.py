"""The sensor over several ticks on a real instance, with runs that really happen."""

import time
from pathlib import Path

import dagster as dg
import pytest

from beast_assets.core.home import lock_path, prepare_home
from beast_assets.core.lock import writer_lock
from beast_assets.core.settings import Settings
from beast_assets.definitions import build_defs
from beast_assets.defs import runs
from beast_assets.defs.names import DIGEST_TAG
from beast_assets.defs.resources import SettingsResource
from beast_assets.defs.sensors import MAX_ATTEMPTS
from beast_assets_tests.conftest import document, settle
from beast_assets_tests.homes import add_root, index, paths, temporary_instance
from beast_assets_tests.test_pipeline import bucket_of


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    return temporary_instance(tmp_path)


@pytest.fixture
def indexed(settings: Settings, docs: Path) -> Path:
    settle()
    add_root(settings, docs)
    index(settings)
    return docs


def tick(instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    defs = build_defs()
    (sensor,) = defs.sensors or []
    assert isinstance(sensor, dg.SensorDefinition)
    context = dg.build_sensor_context(instance, resources={"settings": SettingsResource()})
    result = sensor(context)
    assert isinstance(result, dg.RunRequest | dg.SkipReason)
    return result


def asked(instance: dg.DagsterInstance) -> dg.RunRequest:
    result = tick(instance)
    assert isinstance(result, dg.RunRequest), result
    return result


def skipped(instance: dg.DagsterInstance) -> str:
    result = tick(instance)
    assert isinstance(result, dg.SkipReason), result
    return result.skip_message or ""


def execute(instance: dg.DagsterInstance, request: dg.RunRequest) -> None:
    job = build_defs().resolve_job_def("index_changed")
    assert job.execute_in_process(instance=instance, tags=dict(request.tags)).success


def fail(instance: dg.DagsterInstance, request: dg.RunRequest) -> None:
    job = build_defs().resolve_job_def("index_changed")
    run = instance.create_run_for_job(job, tags=dict(request.tags))
    instance.report_run_failed(run)


def test_no_home_is_a_skip_that_makes_nothing(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    assert "beast index DIR" in skipped(instance)
    assert not settings.home.exists()


def test_no_change_is_no_request(indexed: Path, instance: dg.DagsterInstance) -> None:
    assert "no change" in skipped(instance)


def test_edit_is_requested_carried_in_and_done(
    indexed: Path, settings: Settings, instance: dg.DagsterInstance
) -> None:
    (indexed / "walrus.md").write_text("walrus\n")
    request = asked(instance)
    bucket = bucket_of(indexed, indexed / "walrus.md")
    assert request.tags["dagster/asset_partition_range_start"] == bucket
    assert asked(instance).run_key == request.run_key
    execute(instance, request)
    assert b"walrus.md" in paths(settings)
    assert "no change" in skipped(instance)


def test_touch_is_no_request(indexed: Path, instance: dg.DagsterInstance) -> None:
    (indexed / "note-00.md").touch()
    assert "no change" in skipped(instance)


def test_there_and_back_are_requests_with_keys_of_their_own(
    indexed: Path, instance: dg.DagsterInstance
) -> None:
    path = indexed / "note-00.md"
    states = [path.read_text(), document(90, 2)]
    keys = set()
    for step in range(4):
        path.write_text(states[(step + 1) % 2])
        request = asked(instance)
        keys.add(request.run_key)
        execute(instance, request)
    assert len(keys) == 4


def test_failed_runs_are_tried_again_a_bounded_number_of_times(
    indexed: Path, instance: dg.DagsterInstance
) -> None:
    (indexed / "walrus.md").write_text("walrus\n")
    keys = []
    for _ in range(MAX_ATTEMPTS):
        request = asked(instance)
        keys.append(request.run_key)
        fail(instance, request)
    assert len(set(keys)) == MAX_ATTEMPTS
    assert "gave up" in skipped(instance)
    (indexed / "walrus.md").write_text("two walruses\n")
    assert asked(instance).run_key not in keys


def test_a_run_that_succeeds_without_effect_does_not_use_up_the_change(
    indexed: Path, settings: Settings, instance: dg.DagsterInstance
) -> None:
    (indexed / "walrus.md").write_text("walrus\n")
    request = asked(instance)
    indexed.rename(indexed.with_name("away"))
    execute(instance, request)
    indexed.with_name("away").rename(indexed)
    again = asked(instance)
    assert again.run_key != request.run_key
    execute(instance, again)
    assert b"walrus.md" in paths(settings)


def test_a_run_that_never_started_blocks_for_a_bounded_time(
    indexed: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    (indexed / "walrus.md").write_text("walrus\n")
    job = build_defs().resolve_job_def("index_changed")
    instance.create_run_for_job(job, status=dg.DagsterRunStatus.NOT_STARTED)
    assert "under way" in skipped(instance)
    monkeypatch.setattr(runs, "_SILENT_S", 0.0)
    assert asked(instance)


def test_runs_of_other_projects_are_none_of_our_business(
    indexed: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dg.op
    def nothing() -> None: ...

    @dg.job
    def foreign() -> None:
        nothing()

    monkeypatch.setattr(runs, "_SILENT_S", 0.0)
    run = instance.create_run_for_job(foreign, status=dg.DagsterRunStatus.STARTED)
    (indexed / "walrus.md").write_text("walrus\n")
    assert asked(instance)
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status == dg.DagsterRunStatus.STARTED


def test_a_run_under_way_is_waited_for(indexed: Path, instance: dg.DagsterInstance) -> None:
    (indexed / "walrus.md").write_text("walrus\n")
    request = asked(instance)
    job = build_defs().resolve_job_def("index_changed")
    run = instance.create_run_for_job(
        job, tags=dict(request.tags), status=dg.DagsterRunStatus.STARTED
    )
    assert "under way" in skipped(instance)
    instance.report_run_failed(run)
    assert asked(instance).tags[DIGEST_TAG] == request.tags[DIGEST_TAG]


def test_a_held_lock_is_a_skip(
    indexed: Path, settings: Settings, instance: dg.DagsterInstance
) -> None:
    import threading

    (indexed / "walrus.md").write_text("walrus\n")
    prepare_home(settings)
    results = []
    with writer_lock(lock_path(settings)):
        other = threading.Thread(target=lambda: results.append(tick(instance)))
        other.start()
        other.join()
    assert isinstance(results[0], dg.SkipReason)


def test_missing_root_is_named(indexed: Path, instance: dg.DagsterInstance) -> None:
    indexed.rename(indexed.with_name("away"))
    assert "not available" in skipped(instance)


def test_a_run_whose_process_is_gone_does_not_block(
    indexed: Path, instance: dg.DagsterInstance
) -> None:
    import json
    import subprocess
    import sys

    from beast_assets.defs.names import PROCESS_TAG

    program = (
        "import json\nfrom beast_assets.core.processes import this_process\n"
        "print(json.dumps(this_process().to_dict()))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    job = build_defs().resolve_job_def("index_changed")
    run = instance.create_run_for_job(
        job,
        tags={PROCESS_TAG: json.dumps(json.loads(ended.stdout))},
        status=dg.DagsterRunStatus.STARTED,
    )
    (indexed / "walrus.md").write_text("walrus\n")
    assert asked(instance)
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status == dg.DagsterRunStatus.FAILURE


def test_nightly_schedule_rehashes(indexed: Path, instance: dg.DagsterInstance) -> None:
    defs = build_defs()
    schedule, *_ = defs.schedules or []
    assert isinstance(schedule, dg.ScheduleDefinition)
    request = schedule.evaluate_tick(
        dg.build_schedule_context(instance, scheduled_execution_time=None)
    ).run_requests
    assert request is not None
    job = defs.resolve_job_def("index_changed")
    began = time.time_ns()
    result = job.execute_in_process(
        instance=instance, run_config=request[0].run_config, tags=dict(request[0].tags)
    )
    assert result.success
    assert result.get_asset_materialization_events() == []
    from beast_assets.core.ledger import Ledger
    from beast_assets.core.settings import load_settings

    rows = Ledger.open(load_settings().ledger_url).files()
    assert all(row.hashed_ns > began for row in rows)
