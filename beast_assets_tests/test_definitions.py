"""The code location names what it must, and its assets record what a run did."""

from pathlib import Path

import dagster as dg
import pytest

from beast_assets.core.settings import Settings
from beast_assets.definitions import build_defs
from beast_assets.defs.jobs import range_tags
from beast_assets.defs.names import ASSETS
from beast_assets_tests.conftest import document, settle
from beast_assets_tests.homes import add_root, index, paths, temporary_instance
from beast_assets_tests.test_pipeline import bucket_of, file_in_bucket

# What an asset counts of a run beside its files.
WORK: dict[str, tuple[str, ...]] = {
    "manifest": (),
    "file_hashes": ("bytes_hashed",),
    "chunks": ("chunks_written", "tokens_truncated"),
    "embeddings": ("embedded", "reused"),
}


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    return temporary_instance(tmp_path)


def materialized(instance: dg.DagsterInstance) -> dict[str, list[str]]:
    return {
        name: sorted(instance.get_materialized_partitions(dg.AssetKey(name))) for name in ASSETS
    }


def run(instance: dg.DagsterInstance, job: str, first: str, last: str) -> dg.ExecuteInProcessResult:
    return (
        build_defs()
        .resolve_job_def(job)
        .execute_in_process(instance=instance, tags=range_tags(first, last))
    )


def test_names(settings: Settings) -> None:
    defs = build_defs()
    graph = defs.resolve_asset_graph()
    assert {key.to_user_string() for key in graph.get_all_asset_keys()} == set(ASSETS)
    for asset, upstream in zip(ASSETS[1:], ASSETS, strict=False):
        assert graph.get(dg.AssetKey(asset)).parent_keys == {dg.AssetKey(upstream)}
    nodes = [graph.get(dg.AssetKey(name)) for name in ASSETS]
    assert {node.group_name for node in nodes} == {"beast"}
    assert all(node.description and node.kinds and node.owners for node in nodes)
    assert all(node.code_version for node in nodes)
    assert len({node.partitions_def for node in nodes}) == 1
    assert {job.name for job in defs.jobs or []} == {
        "index_all",
        "index_changed",
        "maintain",
        "check_health",
        "check_data",
    }
    assert [sensor.name for sensor in defs.sensors or []] == ["files_changed"]
    assert [schedule.name for schedule in defs.schedules or []] == [
        "rehash_nightly",
        "maintain_nightly",
        "check_health_hourly",
        "check_data_nightly",
    ]


def test_partitions_are_the_homes_own(
    settings: Settings, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keys() -> int:
        partitions = build_defs().resolve_asset_graph().get(dg.AssetKey("chunks")).partitions_def
        assert partitions is not None
        return len(partitions.get_partition_keys())

    assert keys() == 16
    monkeypatch.setenv("BEAST_BUCKETS", "256")
    assert keys() == 256
    monkeypatch.delenv("BEAST_BUCKETS")
    add_root(settings, docs)
    index(settings)
    monkeypatch.setenv("BEAST_BUCKETS", "4096")
    assert keys() == 16


def test_changed_run_records_exactly_the_changed_partitions(
    settings: Settings, docs: Path, instance: dg.DagsterInstance
) -> None:
    settle()
    add_root(settings, docs)
    assert run(instance, "index_all", "0", "f").success
    assert materialized(instance) == {name: list("0123456789abcdef") for name in ASSETS}

    document_size = {
        bucket: file_in_bucket(docs, bucket).write_text(document(100 + number, 2))
        for number, bucket in enumerate("139c")
    }
    result = run(instance, "index_changed", "1", "c")
    assert result.success
    events = [
        event.step_materialization_data.materialization
        for event in result.get_asset_materialization_events()
    ]
    found = {(event.asset_key.to_user_string(), event.partition) for event in events}
    assert found == {(name, bucket) for name in ASSETS for bucket in "139c"}
    versions = {event.partition: (event.tags or {})["dagster/data_version"] for event in events}
    assert len(set(versions.values())) == 4
    for event in events:
        values = {name: value.value for name, value in event.metadata.items()}
        assert (values["added"], values["changed"], values["removed"]) == (1, 0, 0)
        assert values["digest"] == versions[event.partition]
        if event.asset_key.to_user_string() == "file_hashes":
            assert values["bytes_hashed"] == document_size[event.partition or ""]
    assert instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])) == 0


def test_asked_partition_is_always_materialized(
    settings: Settings, docs: Path, instance: dg.DagsterInstance
) -> None:
    settle()
    add_root(settings, docs)
    index(settings)
    job = build_defs().resolve_job_def("index_all")
    result = job.execute_in_process(instance=instance, partition_key="3")
    events = result.get_asset_materialization_events()
    assert len(events) == 4
    for event in events:
        metadata = event.step_materialization_data.materialization.metadata
        asset = event.step_materialization_data.materialization.asset_key.to_user_string()
        work = ("added", "changed", "removed", *WORK[asset])
        assert {metadata[name].value for name in work} == {0}


def test_selecting_one_asset_brings_all_four_up_to_date(
    settings: Settings, docs: Path, instance: dg.DagsterInstance
) -> None:
    add_root(settings, docs)
    job = build_defs().resolve_job_def("index_all")
    result = job.execute_in_process(
        instance=instance, tags=range_tags("0", "f"), asset_selection=[dg.AssetKey("manifest")]
    )
    assert result.success
    assert len(paths(settings)) == 40
    assert set(materialized(instance)) == set(ASSETS)
    assert all(len(partitions) == 16 for partitions in materialized(instance).values())


def test_a_move_out_of_the_range_is_recorded_too(
    settings: Settings, docs: Path, instance: dg.DagsterInstance
) -> None:
    settle()
    add_root(settings, docs)
    index(settings)
    old = docs / "note-00.md"
    new = file_in_bucket(docs, "4" if bucket_of(docs, old) == "3" else "3")
    old.rename(new)
    job = build_defs().resolve_job_def("index_all")
    assert job.execute_in_process(instance=instance, partition_key=bucket_of(docs, old)).success
    both = sorted({bucket_of(docs, old), bucket_of(docs, new)})
    assert materialized(instance) == {name: both for name in ASSETS}
