"""Warm questions: ours against plain LanceDB calls in the same process, on the same table.

The vectors of the rows are made ones (``benchmarks.vectors``), put into the embedding cache
beforehand: what is measured hangs on their number and size, not on their meaning. The hashing
embedder embeds the questions, in well under a millisecond, so that it does not hide the rest; the
real model has a line of its own.
"""

import hashlib
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from beast_assets.core.ann import plan_of
from beast_assets.core.cache import EmbeddingCache
from beast_assets.core.embedding import load_embedder
from beast_assets.core.home import cache_url, prepare_home
from beast_assets.core.index import ChunkIndex
from beast_assets.core.ledger import Ledger
from beast_assets.core.maintenance import maintain
from beast_assets.core.search import Searcher
from beast_assets.core.settings import Settings
from beast_assets.core.status import index_status
from benchmarks.harness import Line, Options, Result, at_most, paired_values, seconds
from benchmarks.homes import settings_for, settle
from benchmarks.quantiles import Quantiles
from benchmarks.scan import index
from benchmarks.vectors import clustered

_MODEL = "hashing"
_REAL_MODEL = "all-MiniLM-L6-v2"
_WORDS_A_TEXT = 80
_VOCABULARY = 5_000
_PER_FOLDER = 200
_COLUMNS = ["path", "text", "char_start", "char_end", "line_start", "line_end"]


def run(options: Options) -> Result:
    """Hybrid questions over an index, as it is after an ingest and after ``beast maintain``."""
    os.environ.setdefault("LANCEDB_LOG", "error")  # the plain calls are warned of at each question
    rows = options.size("rows", 100_000, 300)
    questions = _questions(options.size("questions", 200, 3))
    settings = settings_for(options.folder / "home", _MODEL)
    _fill(settings, options.folder / "texts", rows)
    lines = _compare(settings, questions, options, f"{rows:,} rows as ingested")
    maintain(settings)
    lines += _compare(settings, questions, options, f"{rows:,} rows after `beast maintain`")
    lines.append(_embedding(questions, options))
    setup = {"rows": rows, "questions": len(questions), "k": 10, "dimension": 256}
    setup |= index_status(settings)["vector_search"]
    return Result("search", "Warm hybrid questions", lines, setup=setup)


def _embedding(questions: Sequence[str], options: Options) -> Line:
    embedder = load_embedder(_REAL_MODEL, threads=os.cpu_count() or 1)
    work = {"encode": lambda: _each_ms(lambda question: embedder.encode([question]), questions)}
    took = paired_values(work, options.rounds)
    return Line(f"embedding a question with {_REAL_MODEL}", took.spread("encode"), "ms")


def _words(random_: random.Random, count: int) -> str:
    # Squared: some words are common and most are rare, as in a language.
    numbers = [int(random_.random() ** 2 * _VOCABULARY) for _ in range(count)]
    return " ".join(f"w{number}" for number in numbers)


def _questions(count: int) -> list[str]:
    random_ = random.Random(1)  # noqa: S311 - the same questions every time
    return [_words(random_, 4) for _ in range(count)]


def _fill(settings: Settings, folder: Path, rows: int) -> None:
    random_ = random.Random(2)  # noqa: S311 - the same texts every time
    texts = [_words(random_, _WORDS_A_TEXT) for _ in range(rows)]
    for number, text in enumerate(texts):
        parent = folder / f"{number // _PER_FOLDER:04}"
        parent.mkdir(parents=True, exist_ok=True)
        (parent / f"{number:06}.txt").write_text(text)
    settle()
    prepare_home(settings)
    _know(settings, texts)
    index(settings, folder)


def _know(settings: Settings, texts: Sequence[str]) -> None:
    """Put vectors into the cache, as if the model had given them."""
    import numpy as np

    embedder = load_embedder(settings.model, threads=settings.threads)
    vectors = np.vstack(list(clustered(len(texts), embedder.dimension, seed=3)))
    keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    cache = EmbeddingCache(cache_url(settings), embedder.fingerprint)
    cache.put(dict(zip(keys, vectors, strict=True)))


def _compare(settings: Settings, questions: Sequence[str], options: Options, on: str) -> list[Line]:
    searcher = Searcher(settings)
    embedder = load_embedder(settings.model, threads=settings.threads)
    plain = _plain_hybrid(settings, embedder)
    works = {
        "ours": Quantiles(lambda question: searcher.search(question, 10), questions),
        "LanceDB": Quantiles(plain, questions),
    }
    took = paired_values(works, options.rounds)
    parts = {f"{name}, ms": took.spread(name) for name in works}
    parts |= {f"{name}, 99 of 100, ms": work.spread(0.99) for name, work in works.items()}
    return [
        Line(f"a question over {on}, median", took.spread("ours"), "ms", reach=at_most(20)),
        Line(
            f"a question over {on}, 99 of 100",
            works["ours"].spread(0.99),
            "ms",
            reach=at_most(80),
        ),
        Line(
            f"a question over {on}",
            took.ratio("LanceDB", "ours"),
            "×",
            "LanceDB's own hybrid query with RRF, searching as hard",
            parts=parts,
            note="ours also looks whether each file has changed since",
        ),
    ]


def _each_ms(ask: Callable[[str], object], questions: Sequence[str]) -> float:
    return seconds(lambda: [ask(question) for question in questions]) / len(questions) * 1e3


def _plain_hybrid(settings: Settings, embedder: Any) -> Callable[[str], object]:
    """What LanceDB's documentation shows for a hybrid question, at our depth."""
    from lancedb.rerankers import RRFReranker

    ledger = Ledger.open_existing(settings.ledger_url)
    published = ledger.published()
    if published is None:
        raise RuntimeError("nothing is published")
    opened = ChunkIndex.open(settings.index_uri, published.table, published.version)
    plan = plan_of(ledger, published)

    def ask(question: str) -> object:
        vector = embedder.encode([question])[0]
        search = opened.table.search(query_type="hybrid", vector_column_name="vector")
        search = search.vector(vector).text(question).distance_type("dot")
        if plan is not None and plan.probes:
            search = search.nprobes(plan.probes).refine_factor(plan.refine)
        return search.rerank(RRFReranker(60)).select(_COLUMNS).limit(10).to_list()

    return ask
