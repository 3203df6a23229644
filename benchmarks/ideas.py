"""Ideas about everything but files: lazy imports, batched writes, coalesced and cached requests."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from beast_assets.core.cache import EmbeddingCache
from beast_assets.core.embedding import load_embedder
from beast_assets.core.index import ChunkIndex, Row
from benchmarks.harness import Line, Options, Paired, Result, output_of, paired
from benchmarks.homes import CHECKOUT

_HEAVY = "import dagster, lancedb, sentence_transformers"
_ROWS_A_FILE = 8
_DIMENSION = 384


def run(options: Options) -> Result:
    """Each idea against what it would replace."""
    lines = [
        _lazy_imports(options),
        _batched_vectors(options),
        _batched_rows(options),
        _coalesced(options),
    ]
    return Result("ideas", "What some ideas bring", lines)


def _line(label: str, took: Paired, idea: str, instead: str) -> Line:
    return Line(label, took.ratio(instead, idea), "×", instead, parts=took.parts())


def _lazy_imports(options: Options) -> Line:
    def start(program: str) -> None:
        output_of([sys.executable, "-c", program], cwd=CHECKOUT)

    works = {
        "lazy": partial(start, "import beast_assets.cli"),
        "eager": partial(start, f"import beast_assets.cli; {_HEAVY}"),
    }
    took = paired(works, options.rounds)
    return _line("start of the command, heavy imports where they are used", took, "lazy", "eager")


def _batched_vectors(options: Options) -> Line:
    count = options.size("vectors", 512, 8)
    vectors = _vectors(count)
    keys = [f"{number:064x}" for number in range(count)]
    both = dict(zip(keys, vectors, strict=True))

    def put(name: str, at_once: int) -> None:
        cache = EmbeddingCache(f"sqlite:///{options.folder / name}.sqlite", name)
        for start in range(0, count, at_once):
            cache.put({key: both[key] for key in keys[start : start + at_once]})

    works = {"64 at once": partial(put, "many", 64), "one by one": partial(put, "one", 1)}
    took = paired(works, options.rounds)
    return _line(f"{count} vectors into the cache", took, "64 at once", "one by one")


def _vectors(count: int) -> Any:
    import numpy as np

    return np.random.default_rng(1).standard_normal((count, _DIMENSION)).astype(np.float16)


def _batched_rows(options: Options) -> Line:
    count = options.size("rows", 1_024, 16)
    rows, vectors = [_row(number) for number in range(count)], _vectors(count)

    def add(at_once: int) -> None:
        index = ChunkIndex.create(str(options.folder / "index"), "chunks_1", _DIMENSION)
        for start in range(0, count, at_once):
            index.add(rows[start : start + at_once], vectors[start : start + at_once])

    works = {"1,024 at once": partial(add, 1_024), "file by file": partial(add, _ROWS_A_FILE)}
    took = paired(works, options.rounds)
    return _line(f"{count:,} rows into LanceDB", took, "1,024 at once", "file by file")


def _row(number: int) -> Row:
    name, path = f"{number:032x}", Path(f"{number // _ROWS_A_FILE}.txt")
    return Row(name, name, "r", bytes(path), name, name, 0, 100, 1, 2, "", f"text {number} " * 50)


def _coalesced(options: Options) -> Line:
    embedder = load_embedder("all-MiniLM-L6-v2", threads=os.cpu_count() or 1)
    count = options.size("questions", 16, 2)
    questions = [f"how does part {number} of the index work?" for number in range(count)]

    def one_by_one() -> None:
        for question in questions:
            embedder.encode([question])

    in_one: Callable[[], object] = partial(embedder.encode, questions)
    works = {"in one call": in_one, "one by one": one_by_one}
    took = paired(works, options.rounds)
    return _line(f"{count} questions embedded", took, "in one call", "one by one")
