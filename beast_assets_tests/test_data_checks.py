"""The data checks: they pass on a good index, and each damage fails its own, naming the bucket."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import lancedb
import numpy as np
import pyarrow as pa
import pytest

from beast_assets.core import ids
from beast_assets.core.cache import EmbeddingCache
from beast_assets.core.data_checks import BLIND, CHECKS, OF_HEALTH, check_data
from beast_assets.core.embedding.hashing_backend import HashingEmbedder
from beast_assets.core.findings import KINDS
from beast_assets.core.home import cache_url
from beast_assets.core.ledger import Ledger
from beast_assets.core.sampling import Sample
from beast_assets.core.settings import Settings, load_settings
from beast_assets.definitions import build_defs
from beast_assets.defs.data_checks import data_checks
from beast_assets.defs.jobs import range_tags
from beast_assets_tests.conftest import settle
from beast_assets_tests.homes import add_root, index, published_rows, temporary_instance

ALL = Sample()
NAMES = {check.name for check in CHECKS}
FILE = "note-06.md"


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    return temporary_instance(tmp_path)


@pytest.fixture
def indexed(settings: Settings, docs: Path) -> Settings:
    add_root(settings, docs)
    index(settings)
    return settings


def file_id(docs: Path) -> str:
    return ids.file_id(ids.root_id(bytes(docs)), FILE.encode())


def failed(settings: Settings, sample: Sample | None = ALL) -> dict[str, tuple[str, ...]]:
    """Failed checks, with the buckets that they name."""
    outcomes = check_data(settings, sample, 0).outcomes
    return {one.check.name: one.buckets for one in outcomes if not one.passed}


def rewrite(
    settings: Settings, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
) -> None:
    """Put other rows in the place of the published ones, and publish that."""
    from dataclasses import replace

    ledger = Ledger.open(settings.ledger_url)
    published = ledger.published()
    assert published is not None
    table = lancedb.connect(settings.index_uri).open_table(published.table)
    rows = change(published_rows(settings))
    table.delete("true")
    table.add(pa.Table.from_pylist(rows, schema=table.schema))
    ledger.republish(replace(published, version=table.version))


Damage = Callable[[Settings, str], None]


def of_file(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["file_id"] == name]


def lose_rows(settings: Settings, name: str) -> None:
    rewrite(settings, lambda rows: [row for row in rows if row["file_id"] != name])


def double_rows(settings: Settings, name: str) -> None:
    rewrite(settings, lambda rows: [*rows, *of_file(name, rows)])


def orphan(settings: Settings, name: str) -> None:
    stranger = name[0] + "0" * 31
    rewrite(settings, lambda rows: [*rows, of_file(name, rows)[0] | {"file_id": stranger}])


def with_first(name: str, **values: Any) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    def change(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        of_file(name, rows)[0].update(values)
        return rows

    return change


def other_text(settings: Settings, name: str) -> None:
    rewrite(settings, with_first(name, text="something else"))


def wrong_lines(settings: Settings, name: str) -> None:
    rewrite(settings, with_first(name, line_start=1, line_end=900))


def infinite(settings: Settings, name: str) -> None:
    vector = np.full(HashingEmbedder().dimension, np.inf, dtype=np.float16)
    rewrite(settings, with_first(name, vector=vector))


def long_vector(settings: Settings, name: str) -> None:
    vector = np.ones(HashingEmbedder().dimension, dtype=np.float16)
    rewrite(settings, with_first(name, vector=vector))


def cache_of(settings: Settings) -> EmbeddingCache:
    return EmbeddingCache(cache_url(settings), HashingEmbedder().fingerprint)


def texts_of(settings: Settings, name: str) -> list[str]:
    return [row["text_sha256"] for row in of_file(name, published_rows(settings))]


def forget_vectors(settings: Settings, name: str) -> None:
    cache_of(settings).drop(texts_of(settings, name))


def alter_cached(settings: Settings, name: str) -> None:
    cache = cache_of(settings)
    key = texts_of(settings, name)[0]
    cache.put({key: cache.get([key])[key][::-1].copy()})


DAMAGE: list[tuple[Damage, set[str]]] = [
    (lose_rows, {"rows", "coverage"}),
    (double_rows, {"one_row_each"}),
    (orphan, {"one_row_each"}),
    (other_text, {"texts"}),
    (wrong_lines, {"texts"}),
    (infinite, {"vectors"}),
    (long_vector, {"vectors"}),
    (forget_vectors, {"cached_texts"}),
    (alter_cached, {"cached_vectors"}),
]


@pytest.mark.parametrize(("damage", "checks"), DAMAGE, ids=lambda one: getattr(one, "__name__", ""))
def test_each_damage_fails_its_checks_and_names_the_bucket(
    indexed: Settings, docs: Path, damage: Damage, checks: set[str]
) -> None:
    assert failed(indexed) == {}
    damage(indexed, file_id(docs))
    found = failed(indexed)
    assert checks <= found.keys() <= checks | {"rows"}
    assert {found[name] for name in checks} == {(file_id(docs)[0],)}


def test_bytes_that_changed_behind_their_times(settings: Settings, docs: Path) -> None:
    settle()
    add_root(settings, docs)
    index(settings)
    engine = Ledger.open(settings.ledger_url)._engine
    with engine.begin() as connection:
        other = ("0" * 64, "0" * 64, file_id(docs))
        connection.exec_driver_sql(
            "UPDATE files SET content = ?, indexed = ? WHERE file_id = ?", other
        )
    assert failed(settings)["contents"] == (file_id(docs)[0],)


def test_a_chunk_that_the_model_would_not_read_whole(
    indexed: Settings, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HashingEmbedder, "fits", lambda _self, text: min(300, len(text)))
    found = failed(indexed)
    assert "truncation" in found
    assert file_id(docs)[0] in found["truncation"]


def test_every_kind_is_asked_about_once() -> None:
    asked = [kind for check in CHECKS for kind in check.kinds]
    assert sorted(asked) == sorted(KINDS.keys() - OF_HEALTH - BLIND)


def test_without_an_index_there_is_nothing_to_fail(settings: Settings) -> None:
    assert failed(settings) == {}


def test_an_index_that_cannot_be_read_fails_all(indexed: Settings) -> None:
    shutil.rmtree(indexed.index_uri)
    outcomes = check_data(indexed, ALL, 0).outcomes
    assert {one.check.name for one in outcomes if not one.passed} == NAMES
    assert all("not looked at" in one.summary for one in outcomes)


def test_with_another_recipe_rows_are_still_compared(
    indexed: Settings, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_rows(indexed, file_id(docs))
    monkeypatch.setenv("BEAST_CHUNK_CHARS", "500")
    outcomes = {one.check.name: one for one in check_data(load_settings(), ALL, 0).outcomes}
    assert outcomes["rows"].buckets == (file_id(docs)[0],)
    assert "beast index --rebuild" in outcomes["coverage"].summary
    assert outcomes["one_row_each"].passed


# -- in Dagster ----------------------------------------------------------------------------------


def evaluations(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {one.check_name: one for one in result.get_asset_check_evaluations()}


def test_the_job_records_every_check(
    indexed: Settings, docs: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = build_defs().resolve_job_def("check_data")
    found = evaluations(job.execute_in_process(instance=instance))
    assert found.keys() == NAMES
    assert all(one.passed for one in found.values())
    assert found["coverage"].metadata["files_read"].value == 40
    lose_rows(indexed, file_id(docs))
    rows = evaluations(job.execute_in_process(instance=instance))["rows"]
    assert (rows.passed, rows.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert rows.metadata["failing_buckets"].value == [file_id(docs)[0]]
    assert rows.metadata["failing_files"].value == 1
    assert "differences" not in rows.metadata  # names stay out of Dagster's records
    monkeypatch.setenv("BEAST_UI_PREVIEWS", "on")
    rows = evaluations(job.execute_in_process(instance=instance))["rows"]
    (record,) = rows.metadata["differences"].value.records  # type: ignore[union-attr]
    assert record.data["path"] == str(docs / FILE)


def test_a_run_over_a_range_does_not_wait_for_checks(
    settings: Settings, docs: Path, instance: dg.DagsterInstance
) -> None:
    add_root(settings, docs)
    job = build_defs().resolve_implicit_global_asset_job_def()
    keys = [dg.AssetKey(name) for name in ("manifest", "file_hashes", "chunks", "embeddings")]
    both = job.get_subset(
        asset_selection=set(keys), asset_check_selection=set(data_checks.check_keys)
    )
    result = both.execute_in_process(instance=instance, tags=range_tags("0", "f"))
    assert result.success
    assert evaluations(result).keys().isdisjoint(NAMES)
    assert [event.step_key for event in result.get_step_success_events()] == ["index"]


def test_check_keys_are_told_apart_from_those_of_health(settings: Settings) -> None:
    keys = [
        key for definition in [*(build_defs().asset_checks or [])] for key in definition.check_keys
    ]
    assert len(keys) == len(set(keys))
    assert {key.name for key in data_checks.check_keys} == NAMES
