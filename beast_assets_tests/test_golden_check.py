"""The asset check `golden_queries`: runs that really happen, on a real instance."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from beast_assets.core.golden.making import make
from beast_assets.core.golden.queries import add
from beast_assets.core.ledger import Ledger
from beast_assets.core.settings import Settings
from beast_assets.definitions import build_defs
from beast_assets.defs.golden import GOLDEN_QUERIES
from beast_assets.defs.jobs import index_config, range_tags
from beast_assets_tests.conftest import document, settle
from beast_assets_tests.homes import add_root, index, paths, temporary_instance
from beast_assets_tests.test_golden import bury, note, query
from beast_assets_tests.test_pipeline import bucket_of, file_in_bucket
from beast_assets_tests.test_sensor import asked, execute, skipped


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    return temporary_instance(tmp_path)


@pytest.fixture
def golden(settings: Settings, docs: Path) -> Settings:
    """Four queries that find their notes in the published index."""
    add_root(settings, docs)
    index(settings)
    for number in range(4):
        add(settings, query(number), [bytes(note(docs, number))])
    return settings


def run(
    instance: dg.DagsterInstance, job: str = "index_changed", **options: Any
) -> dg.ExecuteInProcessResult:
    tags = options.pop("tags", range_tags("0", "f"))
    resolved = build_defs().resolve_job_def(job)
    return resolved.execute_in_process(instance=instance, tags=tags, **options)


def checked(result: dg.ExecuteInProcessResult) -> list[dict[str, Any]]:
    """The check's results in a run: what they say, and whether they passed."""
    return [
        {
            "passed": found.passed,
            "severity": found.severity,
            "reason": found.description,
            **{name: value.value for name, value in found.metadata.items()},
        }
        for found in result.get_asset_check_evaluations()
    ]


def materialized(result: dg.ExecuteInProcessResult) -> set[str | None]:
    return {
        event.step_materialization_data.materialization.partition
        for event in result.get_asset_materialization_events()
    }


def test_the_check_is_defined(settings: Settings) -> None:
    keys = build_defs().resolve_asset_graph().asset_check_keys
    assert keys == {dg.AssetCheckKey(dg.AssetKey("embeddings"), "golden_queries")}


@pytest.mark.parametrize("job", ["index_changed", "index_all"])
def test_without_golden_queries_nothing_is_checked_and_nothing_fails(
    settings: Settings, docs: Path, instance: dg.DagsterInstance, job: str
) -> None:
    add_root(settings, docs)
    result = run(instance, job)
    assert result.success
    assert checked(result) == []
    assert len(materialized(result)) == (16 if job == "index_all" else len(buckets(docs)))


def buckets(docs: Path) -> set[str]:
    return {bucket_of(docs, path) for path in docs.rglob("*.md")}


def test_a_range_with_gaps_is_checked_once(
    golden: Settings, docs: Path, instance: dg.DagsterInstance
) -> None:
    settle()
    for number, bucket in enumerate("139c"):
        file_in_bucket(docs, bucket).write_text(document(100 + number, 2))
    result = run(instance, tags=range_tags("1", "c"))
    assert result.success
    assert materialized(result) == set("139c")
    assert checked(result) == [
        {
            "passed": True,
            "severity": dg.AssetCheckSeverity.ERROR,
            "reason": None,
            "score": 1.0,
            "before": 1.0,
            "mrr": 1.0,
            "queries": 4,
            "failing": [],
            "evaluated": 8,
        }
    ]
    records = instance.event_log_storage.get_asset_check_execution_history(
        GOLDEN_QUERIES.key, limit=10
    )
    assert [record.status.value for record in records] == ["SUCCEEDED"]
    assert checked(run(instance)) == []  # nothing changed, nothing is asked


def test_a_drop_fails_the_check_and_materializes_nothing(
    golden: Settings, docs: Path, instance: dg.DagsterInstance
) -> None:
    settle()
    published = Ledger.open_existing(golden.ledger_url).published()
    bury(docs, 3)
    for job, evaluated in (("index_changed", 8), ("index_changed", 0), ("index_all", 0)):
        result = run(instance, job)
        assert result.success
        (found,) = checked(result)
        assert (found["passed"], found["severity"]) == (False, dg.AssetCheckSeverity.ERROR)
        assert (found["score"], found["before"], found["queries"]) == (0.75, 1.0, 4)
        assert (found["failing"], found["evaluated"]) == ([query(3)], evaluated)
        assert "beast publish" in found["reason"]
        assert materialized(result) == set()
        assert Ledger.open_existing(golden.ledger_url).published() == published
    result = run(instance, run_config=index_config(accept_drop=True))
    assert checked(result)[0]["passed"]
    assert materialized(result) == {bucket_of(docs, note(docs, 3))}
    assert Ledger.open_existing(golden.ledger_url).published() != published


def test_the_sensor_asks_once_and_then_says_why_not(
    golden: Settings, docs: Path, instance: dg.DagsterInstance
) -> None:
    settle()
    original = note(docs, 3).read_text()
    bury(docs, 3)
    execute(instance, asked(instance))
    for _ in range(2):
        assert "golden queries" in skipped(instance)
    note(docs, 3).write_text(original)
    execute(instance, asked(instance))
    assert "no change" in skipped(instance)
    bury(docs, 3)
    (docs / "new.md").write_text("A quokka.\n")
    assert asked(instance)


def test_selecting_another_asset_leaves_the_check_alone(
    golden: Settings, docs: Path, instance: dg.DagsterInstance
) -> None:
    (docs / "new.md").write_text("A quokka.\n")
    result = run(instance, asset_selection=[dg.AssetKey("manifest")])
    assert result.success
    assert checked(result) == []
    assert b"new.md" in paths(golden)


def test_made_queries_are_not_quoted(
    golden: Settings, docs: Path, instance: dg.DagsterInstance
) -> None:
    made = {path: each for each in make(golden, 30) for path in each.paths}
    bury(docs, *range(10, 30))
    (found,) = checked(run(instance))
    assert not found["passed"]
    failing = [label for label in found["failing"] if label.startswith("made query ")]
    assert failing
    assert not {each.text for each in made.values()}.intersection(found["failing"])
