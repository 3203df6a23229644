"""Embedding alone: auto against sentence-transformers, and against the matrix products in it.

Each round measures everything once, so that a ratio is of neighbours in time. Rates count real
tokens, not padding, and are given in wall time and in CPU time: the second holds on a machine that
others use, too.
"""

import os
import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from beast_assets.core.chunking import chunk_text
from beast_assets.core.embedding import Embedder, default_fits, load_embedder
from beast_assets.core.embedding.built_in import BUILT_IN, BUILT_IN_DIMENSION
from beast_assets.core.embedding.model_files import read_json, resolve
from beast_assets.core.embedding.tokens import TruncatingTokenizer
from benchmarks.harness import Line, Options, Result, Spread, at_least
from benchmarks.matmul import openvino_rate, torch_rate

_SUFFIXES = frozenset((".rst", ".md", ".txt", ".py"))


def sample(folder: Path, count: int) -> list[str]:
    """Chunks of the real files in a folder, always the same ones."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES)
    random.Random(0).shuffle(files)  # noqa: S311 - a sample
    chunks: list[str] = []
    for path in files:
        text = path.read_text(errors="replace")
        chunks += [chunk.text for chunk in chunk_text(text, fits=default_fits())]
        if len(chunks) >= 4 * count:
            break
    random.Random(1).shuffle(chunks)  # noqa: S311 - a sample
    return chunks[:count]


def matrix_flops(lengths: Sequence[int]) -> int:
    """Operations in the model's matrix products, those of the attention included."""
    config = read_json(resolve(BUILT_IN).folder / "config.json")
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    dense = 2 * (4 * hidden * hidden + 2 * hidden * inner)
    each = (length * dense + 4 * length * length * hidden for length in lengths)
    return int(config["num_hidden_layers"] * sum(each))


def timed(embedder: Embedder, texts: Sequence[str]) -> tuple[float, float, Any]:
    """Embed: seconds of wall and of CPU time, and the vectors."""
    wall, cpu = time.perf_counter(), time.process_time()
    vectors = embedder.encode(texts)
    return time.perf_counter() - wall, time.process_time() - cpu, vectors


def run(options: Options) -> Result:
    """Embed the same chunks of this checkout's files in rounds."""
    texts = sample(Path(__file__).parents[1], options.size("chunks", 256, 16))
    threads = options.size("threads", os.cpu_count() or 1, 1)
    model = resolve(BUILT_IN)
    lengths = [len(ids) for ids in TruncatingTokenizer(model.tokenizer_file, 256).ids(list(texts))]
    auto = load_embedder(BUILT_IN, threads=threads)
    reference = load_embedder(BUILT_IN, threads=threads, backend="sentence-transformers")
    for embedder in (auto, reference):
        embedder.encode(texts[:8])
    rounds = [_round(auto, reference, texts, lengths, threads) for _ in range(options.rounds)]
    setup = {"backend": auto.description, "chunks": len(texts), "tokens": sum(lengths)}
    return Result("embedding", "Embedding alone", _lines(rounds), setup=setup)


def _lines(rounds: Sequence[dict[str, float]]) -> list[Line]:
    def spread(key: str) -> Spread:
        return Spread.of([each[key] for each in rounds])

    other, ceiling = "sentence-transformers fp32", "bf16 matrix products of the model's shapes"
    parts = {"tokens/s": spread("tokens_per_s"), "theirs": spread("reference_tokens_per_s")}
    return [
        Line("tokens/s, wall time", spread("ratio_wall"), "×", other, at_least(2.7), parts),
        Line("tokens/s, CPU time", spread("ratio_cpu"), "×", other, at_least(2.7)),
        Line("share of the rate, wall time", spread("share_wall"), "×", ceiling, at_least(0.8)),
        Line("share of the rate, CPU time", spread("share_cpu"), "×", ceiling, at_least(0.8)),
        Line("smallest cosine", spread("cosine_min"), "cosine", other, at_least(0.9999)),
    ]


def _round(
    auto: Embedder,
    reference: Embedder,
    texts: Sequence[str],
    lengths: Sequence[int],
    threads: int,
) -> dict[str, float]:
    tokens, flops = sum(lengths), matrix_flops(lengths)
    shape = BUILT_IN_DIMENSION, 4 * BUILT_IN_DIMENSION, 6, threads
    before = max(openvino_rate(*shape), torch_rate(*shape))
    wall, cpu, vectors = timed(auto, texts)
    after = max(openvino_rate(*shape), torch_rate(*shape))
    slow_wall, slow_cpu, exact = timed(reference, texts)
    ceiling = [statistics.mean(pair) for pair in zip(before, after, strict=True)]
    return {
        "tokens_per_s": round(tokens / wall),
        "chunks_per_s": round(len(texts) / wall, 1),
        "reference_tokens_per_s": round(tokens / slow_wall),
        "ratio_wall": round(slow_wall / wall, 2),
        "ratio_cpu": round(slow_cpu / cpu, 2),
        "gflops": round(flops / wall / 1e9, 1),
        "ceiling_gflops": round(ceiling[0] / 1e9, 1),
        "share_wall": round(flops / wall / ceiling[0], 3),
        "share_cpu": round(flops / cpu / ceiling[1], 3),
        "cosine_min": round(float(np.sum(vectors * exact, axis=1).min()), 6),
    }
