"""Searching by vector: exact where that is quick, and nearly so where it is not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from beast_assets.core import ann
from beast_assets.core.ann import Plan, by_vector, keep, plan_of
from beast_assets.core.index import ChunkIndex, Row
from beast_assets.core.ledger import Ledger
from beast_assets.core.maintenance import maintain
from beast_assets.core.recall import exam_of
from beast_assets.core.search import Searcher
from beast_assets.core.settings import Settings
from beast_assets.core.status import index_status
from beast_assets_tests.conftest import document
from beast_assets_tests.homes import add_root
from beast_assets_tests.homes import index as run_index

DIMENSION = 64
ROWS = 24_000
TABLE = "chunks_test_1"


def clustered(rows: int, seed: int = 1, dimension: int = DIMENSION) -> NDArray[np.float16]:
    """Vectors in 300 heaps, of unit length: noise has no neighbours that could be found."""
    random = np.random.default_rng(seed)
    heaps = np.random.default_rng(0).standard_normal((300, dimension))
    vectors = heaps[random.integers(0, 300, rows)] + 0.5 * random.standard_normal((rows, dimension))
    return unit(vectors)


def noise(rows: int, dimension: int) -> NDArray[np.float16]:
    vectors = np.random.default_rng(3).standard_normal((rows, dimension))
    return unit(vectors)


def unit(vectors: NDArray[Any]) -> NDArray[np.float16]:
    long: NDArray[np.float16] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return long.astype(np.float16)


def filled(uri: Path, vectors: NDArray[np.float16]) -> ChunkIndex:
    index = ChunkIndex.create(str(uri), TABLE, vectors.shape[1])
    add(index, vectors)
    return index


def add(index: ChunkIndex, vectors: NDArray[np.float16]) -> None:
    first = index.count()
    rows = [row(number) for number in range(first, first + len(vectors))]
    index.add(rows, vectors)


def row(number: int) -> Row:
    file = f"{number % 1_000:032}"
    return Row(f"{number:032}", file, "root", b"p", "c", "t", number, 0, 0, 0, "", "")


def best_of(
    index: ChunkIndex, query: Any, plan: Plan | None, k: int = 10, where: Any = None
) -> list[int]:
    """The rows that are found, by their number."""
    search = by_vector(index.table, query, plan, where)
    found = (
        search.select(["char_start", "_distance"]).limit(50).to_arrow()["char_start"].to_pylist()
    )
    return [int(number) for number in found[:k]]


def recall(index: ChunkIndex, vectors: NDArray[np.float16], plan: Plan | None) -> float:
    """By brute force, with questions that the plan was not made with."""
    random = np.random.default_rng(9)
    matrix = vectors.astype(np.float32)
    queries = matrix[random.choice(len(matrix), 60, replace=False)]
    queries = queries + 0.4 * random.standard_normal(queries.shape) / queries.shape[1] ** 0.5
    found = 0
    for query in queries.astype(np.float32):
        exact = np.argsort(-(matrix @ query), kind="stable")[:10]
        found += len(set(exact.tolist()) & set(best_of(index, query, plan)))
    return found / (10 * len(queries))


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float16]:
    return clustered(ROWS)


@pytest.fixture(scope="module")
def kept(
    tmp_path_factory: pytest.TempPathFactory, vectors: NDArray[np.float16]
) -> Iterator[tuple[ChunkIndex, Plan]]:
    index = filled(tmp_path_factory.mktemp("index"), vectors)
    plan = keep(index, TABLE, None, optimize=True)
    assert plan is not None
    yield index, plan


def test_few_rows_are_searched_exactly(tmp_path: Path, vectors: NDArray[np.float16]) -> None:
    index = filled(tmp_path, vectors[: ann.ANN_FROM_ROWS - 1])
    assert keep(index, TABLE, None) is None
    assert index.vector_index() is None
    assert recall(index, vectors[: ann.ANN_FROM_ROWS - 1], None) > 0.999


def test_many_rows_are_searched_through_an_index_that_finds_what_exact_search_finds(
    kept: tuple[ChunkIndex, Plan], vectors: NDArray[np.float16]
) -> None:
    index, plan = kept
    assert plan.probes
    assert plan.recall >= 0.99
    assert recall(index, vectors, plan) >= 0.99
    # The figure is one that can be bad: searched less hard, the index does not find as much.
    assert recall(index, vectors, replace(plan, probes=1, refine=1)) < 0.99


def test_a_filter_loses_no_hit(
    kept: tuple[ChunkIndex, Plan], vectors: NDArray[np.float16], monkeypatch: pytest.MonkeyPatch
) -> None:
    from lancedb.expr import col, lit

    index, plan = kept
    matrix = vectors.astype(np.float32)

    def found(query: Any, below: int) -> list[int]:
        return best_of(index, query, plan, 50, where=col("char_start") < lit(below))

    assert set(found(matrix[-1], 30)) == set(range(30))
    for few in (19_999, 1_000):  # one of them through the index, with more rows than are "few"
        monkeypatch.setattr(ann, "ANN_FROM_ROWS", 2_000)
        right = 0
        for query in matrix[-50:]:
            exact = np.argsort(-(matrix[:few] @ query), kind="stable")[:10]
            right += len(set(found(query, few)[:10]) & set(exact.tolist()))
        assert right >= 495


def test_where_the_index_does_not_find_enough_search_is_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ann, "ANN_FROM_ROWS", 4_000)
    monkeypatch.setattr(ann, "_REFINE", (1,))
    vectors = noise(4_000, 64)
    index = filled(tmp_path, vectors)
    plan = keep(index, TABLE, None)
    assert plan is not None
    assert not plan.probes
    assert plan.recall < 0.99
    assert plan.describe()["kind"] == "exact"
    assert index.vector_index() is not None
    assert recall(index, vectors, plan) > 0.999
    assert recall(index, vectors, replace(plan, probes=100, refine=1)) < 0.99


def test_a_plan_holds_until_the_index_has_grown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ann, "ANN_FROM_ROWS", 4_000)
    vectors = clustered(12_000)
    index = filled(tmp_path, vectors[:4_000])
    first = keep(index, TABLE, None, optimize=True)
    assert first is not None
    add(index, vectors[4_000:5_000])
    assert keep(index, TABLE, first) == first
    assert recall(index, vectors[:5_000], first) >= 0.99  # those outside the index are found, too
    folded = keep(index, TABLE, first, optimize=True)
    assert folded is not None
    assert (folded.built_rows, folded.rows) == (4_000, 5_000)
    assert folded.index != first.index
    assert keep(index, TABLE, folded, optimize=True) == folded
    add(index, vectors[5_000:7_000])
    rebuilt = keep(index, TABLE, folded)
    assert rebuilt is not None
    assert rebuilt.built_rows == rebuilt.rows == 7_000
    found = index.vector_index()
    assert found is not None
    assert (found.state, found.segments, found.unindexed) == (rebuilt.index, 1, 0)
    add(index, vectors[7_000:8_200])
    add(index, vectors[8_200:])
    doubled = keep(index, TABLE, replace(rebuilt, built_rows=4_000), optimize=True)
    assert doubled is not None
    assert doubled.built_rows == 12_000
    assert recall(index, vectors, doubled) >= 0.99
    # An index that is lost, or is another table's, is made again.
    index.table.drop_index("vector_idx")
    lost = keep(index, TABLE, doubled)
    assert lost is not None
    assert lost.index not in (doubled.index, "")


def test_questions_of_people_are_measured_with(tmp_path: Path) -> None:
    vectors = clustered(2_000)
    index = filled(tmp_path, vectors)
    mine = vectors[:40].astype(np.float32)
    exam = exam_of(index, 20, mine)
    assert exam.queries.shape == (60, DIMENSION)
    matrix = vectors.astype(np.float32)
    tenth = np.sort(exam.queries @ matrix.T, axis=1)[:, -10]
    assert np.allclose(exam.tenth, tenth, atol=1e-5)
    assert np.array_equal(exam_of(index, 20, mine).queries, exam.queries)
    assert sum(len(half.queries) for half in exam.halves()) == 60


@pytest.fixture
def large(settings: Settings, docs: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home whose index is past the threshold at its first publication."""
    monkeypatch.setattr(ann, "ANN_FROM_ROWS", 256)
    for number in range(40, 240):
        (docs / f"note-{number}.md").write_text(document(number, 4))
    add_root(settings, docs)
    run_index(settings)
    return settings


def test_the_plan_is_published_with_the_version_it_is_for(large: Settings, docs: Path) -> None:
    ledger = Ledger.open(large.ledger_url)
    first = ledger.published()
    assert first is not None
    plan = plan_of(ledger, first)
    assert plan is not None
    assert index_status(large)["vector_search"] == plan.describe()
    (docs / "new.md").write_text("The quokka is a small wallaby.")
    run_index(large)
    second = ledger.published()
    assert second is not None
    assert second.version > first.version
    assert plan_of(ledger, second) == plan
    maintain(large)
    third = ledger.published()
    renewed = plan_of(ledger, third)
    assert renewed is not None
    assert renewed.rows == plan.rows + 1
    assert plan_of(ledger, second) is None  # a reader of that version had another index
    assert third is not None
    assert plan_of(ledger, replace(third, table="other")) is None
    # Nothing was done to the table after what readers see: the next run has nothing to undo.
    assert ChunkIndex.open(large.index_uri, third.table).version == third.version


def test_a_damaged_plan_means_exact_search(large: Settings) -> None:
    expected = [hit.chunk_id for hit in Searcher(large).search("topic50x1y3", 5)]
    ledger = Ledger.open(large.ledger_url)
    for damaged in ("", "{}", "[1]", "no JSON", '{"table": 1}'):
        ledger.set_meta("ann", damaged)
        assert plan_of(ledger, ledger.published()) is None
        assert [hit.chunk_id for hit in Searcher(large).search("topic50x1y3", 5)] == expected
        assert index_status(large)["vector_search"] == {"kind": "exact"}
