"""A set of questions asked once, so that many ways to fuse the answers can be compared."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from beast_assets.core.cache import EmbeddingCache
from beast_assets.core.embedding import load_embedder
from beast_assets.core.evaluation.metrics import ndcg, reciprocal_rank
from beast_assets.core.home import cache_url
from beast_assets.core.index import ChunkIndex
from beast_assets.core.search import Ranking, Searcher
from beast_assets.core.settings import Settings
from beast_assets.core.vectors import CachedEmbedder
from benchmarks.fusions import Fusion
from benchmarks.question_sets import QuestionSet
from benchmarks.questions import Question
from benchmarks.scan import index

DEPTH = 200
_WINDOW, _OVERLAP = 1_200, 200


class Place(NamedTuple):
    """Where a row comes from: a document and the characters in it."""

    document: str
    start: int
    end: int


@dataclass(frozen=True)
class Asked:
    """Both rankings of each question, ``DEPTH`` rows of each.

    Attributes:
        questions: in the order of the rankings.
        places: of rows by their number.
        vector: by question.
        text: by question.
    """

    questions: Sequence[Question]
    places: Mapping[int, Place]
    vector: Sequence[Ranking]
    text: Sequence[Ranking]

    def scores(self, fusion: Fusion) -> dict[str, float]:
        """The mean score of each kind of question.

        nDCG@10 of documents where they were judged, MRR@10 of passages where the place of the
        answer is known, and of documents else.
        """
        found: dict[str, list[float]] = {}
        for question, vector, text in zip(self.questions, self.vector, self.text, strict=True):
            rows = fusion(vector, text)
            found.setdefault(question.kind, []).append(self._score(question, rows))
        return {kind: sum(values) / len(values) for kind, values in found.items()}

    def counts(self) -> dict[str, int]:
        """How many questions of each kind there are."""
        kinds = [question.kind for question in self.questions]
        return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}

    def _score(self, question: Question, rows: Sequence[int]) -> float:
        if question.span is not None:
            passages = [str(row) for row in rows[:10]]
            grades = {str(row): 1.0 for row in rows[:10] if self._answers(question, row)}
            return reciprocal_rank(passages, grades, 10)
        documents = list(dict.fromkeys(self.places[row].document for row in rows))
        measure = ndcg if question.kind == "judged" else reciprocal_rank
        return measure(documents, question.relevant, 10)

    def _answers(self, question: Question, row: int) -> bool:
        """Whether a passage and the answer share half of the shorter of both."""
        place, (start, end) = self.places[row], question.span or (0, 0)
        shared = min(end, place.end) - max(start, place.start)
        least = min(end - start, place.end - place.start) / 2
        return place.document in question.relevant and shared >= least


def ask_ours(asked: QuestionSet, settings: Settings, root: Path) -> Asked:
    """Index the documents as files, by the pipeline, and ask as a search does."""
    for name, text in asked.texts.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "replace"))
    index(settings, root)
    searcher = Searcher(settings)
    rankings = [searcher.rankings(question.text, DEPTH) for question in asked.questions]
    vector, text_ = [each.vector for each in rankings], [each.text for each in rankings]
    return Asked(asked.questions, _places(settings, searcher), vector, text_)


def _places(settings: Settings, searcher: Searcher) -> dict[int, Place]:
    published = searcher.published
    opened = ChunkIndex.open(settings.index_uri, published.table, published.version)
    columns = ["path", "char_start", "char_end"]
    rows = opened.table.search().select(columns).with_row_id(True).to_arrow().to_pylist()
    return {
        row["_rowid"]: Place(row["path"].decode(), row["char_start"], row["char_end"])
        for row in rows
    }


def ask_plain(asked: QuestionSet, settings: Settings, folder: Path) -> Asked:
    """What one would do otherwise: windows of 1200/200, the model, LanceDB as it comes."""
    import numpy as np

    windows = [window for name, text in asked.texts.items() for window in _windows(name, text)]
    texts = [asked.texts[each.document][each.start : each.end] for each in windows]
    vectors = _embedded(settings, texts)
    questions = _embedded(settings, [question.text for question in asked.questions])
    cosines = questions @ vectors.T
    best = np.argsort(-cosines, axis=1, kind="stable")[:, :DEPTH]
    by_vector = [
        [(int(row), float(cosines[number, row])) for row in rows]
        for number, rows in enumerate(best)
    ]
    by_text = _by_text(folder, texts, [question.text for question in asked.questions])
    return Asked(asked.questions, dict(enumerate(windows)), by_vector, by_text)


def _windows(name: str, text: str) -> list[Place]:
    step = _WINDOW - _OVERLAP
    starts = range(0, max(1, len(text) - _OVERLAP), step)
    return [Place(name, start, min(start + _WINDOW, len(text))) for start in starts]


def _embedded(settings: Settings, texts: Sequence[str]) -> Any:
    import numpy as np

    embedder = load_embedder(settings.model, threads=settings.threads)
    cache = EmbeddingCache(cache_url(settings), embedder.fingerprint)
    keys = [hashlib.sha256(text.encode()).hexdigest() for text in texts]
    work = CachedEmbedder(embedder, cache, settings.embed_batch)
    vectors, _ = work.vectors(dict(zip(keys, texts, strict=True)))
    return np.stack([vectors[key] for key in keys]).astype(np.float32)


def _by_text(folder: Path, texts: Sequence[str], questions: Sequence[str]) -> list[Ranking]:
    import lancedb
    import pyarrow as pa
    from lancedb.index import FTS
    from lancedb.query import MatchQuery

    shutil.rmtree(folder, ignore_errors=True)
    rows = pa.table({"id": list(range(len(texts))), "text": list(texts)})
    table = lancedb.connect(folder).create_table("windows", rows)
    table.create_index("text", config=FTS())
    found = []
    for question in questions:
        search = table.search(MatchQuery(question, "text"), query_type="fts")
        best = search.select(["id", "_score"]).limit(DEPTH).to_arrow()
        found.append(list(zip(best["id"].to_pylist(), best["_score"].to_pylist(), strict=True)))
    return found
