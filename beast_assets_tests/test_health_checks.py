"""`beast doctor` as a process, and the same probes as Dagster's checks, recorded in an instance."""

import re
import shutil
import time
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    TickData,
    TickStatus,
)
from dagster._daemon.types import DaemonHeartbeat
from dagster_shared.error import SerializableErrorInfo

from beast_assets import doctor
from beast_assets.core.health import FAIL, OK, PROBES, WARN
from beast_assets.core.home import dagster_home
from beast_assets.core.settings import Settings
from beast_assets.definitions import build_defs
from beast_assets.defs.health import DAGSTER_PROBES, daemon, sensor
from beast_assets.defs.jobs import range_tags
from beast_assets.defs.launch import home_instance
from beast_assets.defs.names import FILES_CHANGED
from beast_assets.defs.sensors import build_files_changed_sensor
from beast_assets_tests.conftest import Beast
from beast_assets_tests.homes import add_root, index, temporary_instance
from beast_assets_tests.test_definitions import materialized
from beast_assets_tests.test_health import execute
from beast_assets_tests.test_processes import serving, wait_for

EMBEDDINGS = dg.AssetKey("embeddings")
NAMES = {probe.name for probe in (*PROBES, *DAGSTER_PROBES)}


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    return temporary_instance(tmp_path)


@pytest.fixture
def indexed(settings: Settings, docs: Path) -> Settings:
    add_root(settings, docs)
    index(settings)
    return settings


def recorded(instance: dg.DagsterInstance) -> dict[str, dg.AssetCheckEvaluation]:
    """What the instance says of each check now."""
    found = {}
    for name in NAMES:
        key = dg.AssetCheckKey(EMBEDDINGS, name)
        record = instance.get_latest_asset_check_evaluation_record(key)
        if record is not None and record.event is not None and record.event.dagster_event:
            data = record.event.dagster_event.event_specific_data
            assert isinstance(data, dg.AssetCheckEvaluation)
            found[name] = data
    return found


def beat(instance: dg.DagsterInstance, seconds_ago: float) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - seconds_ago, "SENSOR", None, None))


# -- checks --------------------------------------------------------------------------------------


def test_each_probe_is_a_recorded_check(indexed: Settings, instance: dg.DagsterInstance) -> None:
    job = build_defs().resolve_job_def("check_health")
    assert job.execute_in_process(instance=instance).success
    found = recorded(instance)
    assert set(found) == NAMES
    assert found["index"].passed
    assert found["index"].metadata["rows"] == found["index"].metadata["chunks"]
    assert not found["daemon"].passed
    assert found["daemon"].severity == dg.AssetCheckSeverity.WARN
    shutil.rmtree(indexed.index_uri)
    assert job.execute_in_process(instance=instance).success
    after = recorded(instance)["index"]
    assert (after.passed, after.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "run `beast index`" in (after.description or "")


def test_one_check_can_be_asked_for_alone(indexed: Settings, instance: dg.DagsterInstance) -> None:
    asked = {dg.AssetCheckKey(EMBEDDINGS, name) for name in ("ledger", "sensor")}
    job = build_defs().resolve_implicit_global_asset_job_def()
    subset = job.get_subset(asset_selection=set(), asset_check_selection=asked)
    assert subset.execute_in_process(instance=instance).success
    assert set(recorded(instance)) == {"ledger", "sensor"}


def test_indexing_runs_wait_for_no_checks(
    settings: Settings, docs: Path, instance: dg.DagsterInstance
) -> None:
    add_root(settings, docs)
    job = build_defs().resolve_job_def("index_changed")
    result = job.execute_in_process(instance=instance, tags=range_tags("0", "f"))
    assert result.success
    assert {event.step_key for event in result.all_events} == {None, "index"}
    # As `dagster asset materialize --select '*' --partition-range 0...f` makes it.
    job = build_defs().resolve_implicit_global_asset_job_def()
    assert job.execute_in_process(instance=instance, tags=range_tags("0", "f")).success
    assert all(len(found) == 16 for found in materialized(instance).values())


def test_health_is_looked_at_each_hour(settings: Settings) -> None:
    (schedule,) = [one for one in build_defs().schedules or [] if one.name == "check_health_hourly"]
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert schedule.job_name == "check_health"


# -- daemon and sensor ---------------------------------------------------------------------------


def test_an_absent_daemon_is_told(settings: Settings, instance: dg.DagsterInstance) -> None:
    assert daemon(instance, settings).status == WARN
    assert "`beast dev`" in daemon(instance, settings).detail
    assert sensor(instance, settings).status == OK
    beat(instance, 3_601)
    assert "last heard of 60 minutes ago" in daemon(instance, settings).detail
    beat(instance, 1)
    assert daemon(instance, settings).status == OK


@pytest.fixture
def state(instance: dg.DagsterInstance) -> InstigatorState:
    """The sensor as the daemon registers it."""
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("ours"), "__repository__")
    origin = RemoteInstigatorOrigin(repository, FILES_CHANGED)
    found = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.DECLARED_IN_CODE)
    instance.add_instigator_state(found)
    return found


def tick(
    instance: dg.DagsterInstance, state: InstigatorState, seconds_ago: float, error: str = ""
) -> None:
    status = TickStatus.FAILURE if error else TickStatus.SKIPPED
    told = SerializableErrorInfo(error, [], "Error") if error else None
    data = TickData(
        state.instigator_origin_id,
        FILES_CHANGED,
        InstigatorType.SENSOR,
        status,
        time.time() - seconds_ago,
        error=told,
        selector_id=state.selector_id,
    )
    instance.create_tick(data)


def test_the_sensor_is_told_by_its_last_tick(
    settings: Settings, instance: dg.DagsterInstance, state: InstigatorState
) -> None:
    assert build_files_changed_sensor(settings).name == FILES_CHANGED
    beat(instance, 1)
    assert "not ticked yet" in sensor(instance, settings).detail
    tick(instance, state, 3_601)
    assert "last ticked 60 minutes ago" in sensor(instance, settings).detail
    tick(instance, state, 30, "no such file")
    assert "the last tick failed: no such file" in sensor(instance, settings).detail
    tick(instance, state, 10)
    assert sensor(instance, settings).status == OK


def test_a_sensor_that_is_turned_off_is_told(
    settings: Settings, instance: dg.DagsterInstance, state: InstigatorState
) -> None:
    beat(instance, 1)
    tick(instance, state, 1)
    instance.update_instigator_state(state.with_status(InstigatorStatus.STOPPED))
    assert "turned off" in sensor(instance, settings).detail


@pytest.mark.proof
def test_a_real_daemon_is_seen(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)

    def status() -> set[str]:
        found = {check.name: check for check in doctor.examine_home(None).health.checks}
        return {found[name].status for name in ("daemon", "sensor")}

    assert status() == {WARN, OK}
    with serving(settings):
        wait_for("daemon and sensor", lambda: status() == {OK})


# -- doctor --------------------------------------------------------------------------------------


def told(beast: Beast, code: int, **environment: str) -> dict[str, str]:
    found = beast("doctor", "--json", code=code, **environment)
    assert "Traceback" not in found.err
    return {check["name"]: check["status"] for check in found.json["checks"]}


def test_doctor_on_nothing_and_on_a_sound_home(
    beast: Beast, docs: Path, settings: Settings
) -> None:
    found = told(beast, 1)
    assert set(found) == NAMES
    assert found["home"] == FAIL
    assert not settings.home.exists()
    add_root(settings, docs)
    index(settings)
    lines = beast("doctor").out.decode().splitlines()
    assert any(re.fullmatch(r"  ok  index: version \d+, \d+ rows, as .*", line) for line in lines)
    assert any(line.startswith("warn  daemon: ") for line in lines)
    assert any("beast_assets 0.1.0" in line and "lancedb" in line for line in lines)
    assert lines[-1] == "degraded"


def test_doctor_survives_everything_at_once(beast: Beast, docs: Path, indexed: Settings) -> None:
    settings = indexed
    with home_instance(settings):
        pass
    execute(settings, "DELETE FROM snapshot")
    (settings.home / "ledger.sqlite").write_bytes(b"nothing" * 1_000)
    shutil.rmtree(settings.index_uri)
    shutil.rmtree(docs)
    (dagster_home(settings) / "history" / "runs.db").write_bytes(b"nothing" * 1_000)
    found = told(beast, 1, BEAST_MODEL="/no/such/model", BEAST_BAKEND="x")
    names = ("ledger", "model_files", "embedding", "roots", "daemon", "sensor")
    assert {found[name] for name in names} == {FAIL}
    assert {found[name] for name in ("configuration", "index", "recipe")} == {WARN}


def test_a_configuration_that_cannot_be_read_is_a_failed_check(
    beast: Beast, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "ports.env").write_text("PORT=$(true)\n")
    found = beast("doctor", "--json", code=1)
    assert [check["status"] for check in found.json["checks"]] == [FAIL]
    states = {Path(file["path"]).name: file["state"] for file in found.json["config_files"]}
    assert states["paths.env"] == "absent"
    assert "ports.env:1" in states["ports.env"]


def test_doctor_makes_no_instance(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    before = sorted(settings.home.rglob("*"))
    found = {check.name: check.status for check in doctor.examine_home(None).health.checks}
    assert (found["daemon"], found["sensor"]) == (WARN, OK)
    after = {
        path
        for path in settings.home.rglob("*")
        if path.suffix not in (".sqlite-wal", ".sqlite-shm")
    }
    assert after <= set(before)


def test_doctor_reads_the_homes_own_instance(settings: Settings, docs: Path) -> None:
    add_root(settings, docs)
    with home_instance(settings) as instance:
        beat(instance, 1)
    found = {check.name: check for check in doctor.examine_home(None).health.checks}
    assert found["daemon"].status == OK
    assert "not ticked yet" in found["sensor"].detail
