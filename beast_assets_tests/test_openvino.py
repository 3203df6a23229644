"""OpenVINO: the vectors of the reference, in order, quickly, without torch, in silence."""

import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_assets.core.chunking import chunk_text
from beast_assets.core.embedding import (
    Embedder,
    default_fits,
    load_embedder,
    model_fingerprint,
    planned_backend,
)
from beast_assets.core.embedding.batches import STEP, batches, padded
from beast_assets.core.embedding.built_in import BUILT_IN, built_in_folder
from beast_assets.core.embedding.choice import (
    OPENVINO,
    OPENVINO_INT8,
    SENTENCE_TRANSFORMERS,
    choose,
)
from beast_assets.core.embedding.model_files import resolve
from beast_assets.core.embedding.openvino_backend import OpenVINOEmbedder
from beast_assets.core.embedding.plain_bert import why_not_plain
from beast_assets.core.errors import ModelError, RecipeMismatchError
from beast_assets.core.search import Searcher
from beast_assets.core.session import Request
from beast_assets.core.settings import Settings
from beast_assets_tests.homes import add_root, index

pytestmark = pytest.mark.disable_socket

SAME_CLASS = 0.9999
TEXTS = [
    "structural pattern matching",
    "",
    "a",
    " \n",
    "日本語の文章です。" * 30,
    "x_1 <- f(y)  # 2,048 × 1.5 = 3,072; naïve café\n" * 20,
    "The quick brown fox jumps over the lazy dog. " * 60,
    "def closest(points, query, k=10):\n    return sorted(points, key=query.distance)[:k]\n",
]


@pytest.fixture(scope="module")
def model() -> OpenVINOEmbedder:
    embedder = load_embedder(BUILT_IN, threads=2, backend=OPENVINO)
    assert isinstance(embedder, OpenVINOEmbedder)
    return embedder


@pytest.fixture(scope="module")
def reference() -> Embedder:
    return load_embedder(BUILT_IN, threads=2, backend=SENTENCE_TRANSFORMERS)


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "model"
    shutil.copytree(built_in_folder(), folder)
    yield folder
    shutil.rmtree(folder)


def agreement(a: Embedder, b: Embedder, texts: list[str]) -> float:
    """The smallest cosine between the two vectors of a text."""
    return float(np.sum(a.encode(texts) * b.encode(texts), axis=1).min())


def test_agrees_with_the_reference(model: OpenVINOEmbedder, reference: Embedder) -> None:
    assert agreement(model, reference, TEXTS) >= SAME_CLASS
    assert model.fingerprint == reference.fingerprint == model_fingerprint(BUILT_IN)
    exact = load_embedder(BUILT_IN, threads=2, backend=OPENVINO, queries=True)
    assert agreement(exact, reference, TEXTS) >= 0.999999


@pytest.mark.proof
def test_agrees_with_the_reference_on_a_thousand_chunks(
    model: OpenVINOEmbedder, reference: Embedder, peps: Path
) -> None:
    chunks: list[str] = []
    for path in sorted(peps.rglob("pep-*.rst"))[::5]:
        chunks += [chunk.text for chunk in chunk_text(path.read_text(), fits=default_fits())]
    chunks = random.Random(0).sample(chunks, 1_000)
    assert agreement(model, reference, chunks) >= SAME_CLASS
    by_sixteen = np.concatenate([model.encode(chunks[i : i + 16]) for i in range(0, 1_000, 16)])
    cosines = np.sum(by_sixteen * model.encode(chunks), axis=1)
    print(f"other batches: cosine at least {cosines.min():.6f}", file=sys.stderr)
    assert cosines.min() >= SAME_CLASS


def test_int8_is_asked_for_and_is_a_class_of_its_own(model: OpenVINOEmbedder) -> None:
    rounded = load_embedder(BUILT_IN, threads=2, backend=OPENVINO_INT8)
    assert rounded.fingerprint == model_fingerprint(BUILT_IN, OPENVINO_INT8)
    assert rounded.fingerprint != model.fingerprint
    assert "int8" in rounded.description
    found = agreement(rounded, model, TEXTS)
    assert 0.99 < found < SAME_CLASS, "else it is not int8, or not worth having"
    query = load_embedder(BUILT_IN, threads=2, backend=OPENVINO_INT8, queries=True)
    assert query.fingerprint == rounded.fingerprint
    assert agreement(query, rounded, TEXTS) > 0.99


def test_an_index_in_int8_is_not_mixed_with_another(
    settings: Settings, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounded = replace(settings, model=BUILT_IN, backend=OPENVINO_INT8)
    for path in sorted(docs.rglob("*.md"))[4:]:
        path.unlink()
    add_root(rounded, docs)
    index(rounded)
    assert Searcher(rounded).search("topic of a note", 1)
    other = replace(rounded, backend="auto")
    with pytest.raises(RecipeMismatchError, match="model"):
        index(other)
    with pytest.raises(RecipeMismatchError, match="model"):
        Searcher(other)
    assert index(other, Request(rebuild=True)).work.embedded > 0


def test_order_and_batches_do_not_matter(model: OpenVINOEmbedder) -> None:
    texts = [f"{'word ' * (number * 7 % 100)} number {number}" for number in range(60)]
    vectors = model.encode(texts)
    assert vectors.shape == (60, model.dimension)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alone = np.concatenate([model.encode([text]) for text in texts[:20]])
    # In bf16 the padding shows in the last digits: cosine, not equality.
    assert np.sum(alone * vectors[:20], axis=1).min() >= SAME_CLASS
    # Another text's vector is much farther away than that.
    assert np.sum(vectors[:-1] * vectors[1:], axis=1).max() < 0.9985
    assert model.encode([]).shape == (0, model.dimension)


def test_the_same_batch_gives_the_same_vectors(model: OpenVINOEmbedder) -> None:
    assert (model.encode(TEXTS) == model.encode(TEXTS)).all()


@given(st.lists(st.integers(1, 300), max_size=80), st.integers(1, 2_000))
def test_batches_hold_everything_once_within_the_budget(lengths: list[int], budget: int) -> None:
    found = list(batches(lengths, budget))
    assert sorted(position for batch in found for position in batch) == list(range(len(lengths)))
    for batch in found:
        longest = padded(max(lengths[position] for position in batch))
        assert longest % STEP == 0
        assert len(batch) == 1 or len(batch) * longest <= budget
    sizes = [lengths[position] for batch in found for position in batch]
    assert sizes == sorted(sizes, reverse=True)


def run(program: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


LIGHT = """
import sys, socket
def no(*_): raise SystemExit("a socket")
socket.socket.connect = socket.getaddrinfo = no
from beast_assets.core.embedding import load_embedder
load_embedder("all-MiniLM-L6-v2", threads=2, queries={queries}).encode(["a query", "b"])
import threading, multiprocessing
assert not multiprocessing.active_children()
heavy = {{"torch", "transformers", "pandas", "scipy", "sentence_transformers"}}
print(sorted(heavy & set(sys.modules)))
print(sys.modules["openvino_telemetry"], "openvino" in sys.modules, threading.active_count())
"""


@pytest.mark.parametrize("queries", [True, False])
def test_neither_torch_nor_telemetry(tmp_path: Path, queries: bool) -> None:
    out = run(LIGHT.format(queries=queries), HOME=str(tmp_path))
    assert out.splitlines() == ["[]", "None True 1"]
    # OpenVINO's telemetry would put an identifier here.
    assert list(tmp_path.iterdir()) == []


def test_searching_imports_no_torch(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "bread.md").write_text("# Baking\nA loaf needs flour, water and salt.\n")
    program = (
        "import sys; from beast_assets.cli import cli\n"
        "try: cli(sys.argv[1:])\n"
        "finally: print({'torch', 'transformers'} & set(sys.modules), file=sys.stdout)"
    )
    for words in (["index", str(docs)], ["search", "how to make bread"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *words],
            capture_output=True,
            text=True,
            env=os.environ | {"BEAST_MODEL": BUILT_IN},
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "set()", done.stdout
    assert "bread.md" in done.stdout


def test_an_altered_model_is_refused_though_the_shape_is_right(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from beast_assets.core.embedding import model_files

    weights = copy / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-9] ^= 1
    weights.write_bytes(data)
    monkeypatch.setattr(model_files, "built_in_folder", lambda: copy)
    embedder = load_embedder(BUILT_IN, threads=1, backend=OPENVINO)
    with pytest.raises(ModelError, match="pip install"):
        embedder.encode(["text"])


def test_a_users_model_is_tried_before_bf16_is_believed(
    copy: Path, model: OpenVINOEmbedder
) -> None:
    other = load_embedder(str(copy), threads=2)
    assert isinstance(other, OpenVINOEmbedder)
    assert (other.encode(TEXTS) == model.encode(TEXTS)).all()
    assert other.description.split(": ")[0] == model.description.split(": ")[0]


def test_bf16_that_disagrees_is_not_used(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from beast_assets.core.embedding import openvino_backend

    monkeypatch.setattr(openvino_backend, "best_precision", lambda: "bf16")
    monkeypatch.setattr(openvino_backend, "_AGREEMENT", 1.1)
    assert "OpenVINO f32" in load_embedder(str(copy), threads=1).description


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


CHANGES: list[tuple[str, dict[str, object]]] = [
    ("config.json", {"model_type": "mpnet"}),
    ("config.json", {"hidden_act": "relu"}),
    ("config.json", {"position_embedding_type": "relative_key"}),
    ("config.json", {"is_decoder": True}),
    ("config.json", {"num_hidden_layers": 5}),
    ("config.json", {"max_position_embeddings": 128}),
    ("1_Pooling/config.json", {"pooling_mode_cls_token": True}),
    ("1_Pooling/config.json", {"pooling_mode_mean_tokens": False}),
    ("sentence_bert_config.json", {"do_lower_case": True}),
    ("sentence_bert_config.json", {"unheard_of": 1}),
]


@pytest.mark.parametrize(("name", "changes"), CHANGES, ids=str)
def test_what_is_not_plain_is_left_to_sentence_transformers(
    copy: Path, name: str, changes: dict[str, object]
) -> None:
    edit(copy / name, **changes)
    found = choose(resolve(str(copy)))
    assert found.backend == SENTENCE_TRANSFORMERS
    assert str(why_not_plain(resolve(str(copy)))) in found.reason
    with pytest.raises(ModelError, match="BEAST_BACKEND"):
        choose(resolve(str(copy)), OPENVINO)


def test_foreign_weights_are_not_plain(copy: Path) -> None:
    assert why_not_plain(resolve(str(copy))) is None
    (copy / "model.safetensors").write_bytes(b"no weights")
    assert "weights" in str(why_not_plain(resolve(str(copy))))
    modules = json.loads((copy / "modules.json").read_text())
    (copy / "modules.json").write_text(json.dumps(modules[:1]))
    assert "modules" in str(why_not_plain(resolve(str(copy))))


def test_the_plan_is_told_without_loading_anything() -> None:
    assert planned_backend(BUILT_IN) == "openvino: a plain BERT on a CPU"
    assert planned_backend(BUILT_IN, SENTENCE_TRANSFORMERS) == "sentence-transformers: as set"
    assert "is no sentence-transformers model" in planned_backend(os.curdir)
    assert planned_backend("hashing") == "hashing"


def test_a_graphics_processor_comes_first_but_not_for_queries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from beast_assets.core.embedding import choice

    monkeypatch.setattr(choice, "accelerator", lambda: "cuda")
    model = resolve(BUILT_IN)
    assert choose(model).backend == SENTENCE_TRANSFORMERS
    assert "cuda" in choose(model).reason
    assert choose(model, queries=True).backend == OPENVINO


def test_without_openvino_there_is_still_a_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    model = resolve(BUILT_IN)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    found = choose(model)
    assert (found.backend, "not installed" in found.reason) == (SENTENCE_TRANSFORMERS, True)
