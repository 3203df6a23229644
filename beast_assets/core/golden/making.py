"""Known-item queries: half the words of a sentence, which have to find the file they come from."""

import hashlib
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from beast_assets.core.golden.queries import GoldenQuery, editing
from beast_assets.core.index import ChunkIndex, reading
from beast_assets.core.ledger import Ledger
from beast_assets.core.search.searcher import Searcher
from beast_assets.core.settings import Settings

_LEAST_WORDS = 8
_AT_ONCE = 64
_WORD = re.compile(r"\w[\w'-]*")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n\s*\n")


class _Passage(NamedTuple):
    chunk_id: str
    text_sha256: str
    path: bytes


def make(settings: Settings, count: int, seed: int = 0) -> list[GoldenQuery]:
    """Add queries made from the published index; gives those that were not there before.

    Args:
        settings: of the home.
        count: how many to make, each of another file as far as there are so many.
        seed: the same seed and index make the same queries.

    Raises:
        NoIndexError: nothing is published.
        IndexDamagedError: the index cannot be read.
    """
    published = Searcher(settings).published
    index = ChunkIndex.open(settings.index_uri, published.table, published.version)
    samples = _samples(index, Ledger.open_existing(settings.ledger_url), seed)
    with editing(settings.home) as queries:
        known = {query.text for query in queries}
        made = [query for query in islice(_distinct(samples), count) if query.text not in known]
        queries += made
    return made


def _distinct(samples: Iterable[GoldenQuery]) -> Iterator[GoldenQuery]:
    """One of each text: two sentences may lose all words but the same."""
    seen: set[str] = set()
    for sample in samples:
        if sample.text not in seen:
            seen.add(sample.text)
            yield sample


def _samples(index: ChunkIndex, ledger: Ledger, seed: int) -> Iterator[GoldenQuery]:
    with reading():
        passages = _passages(index, {root.root_id: root.path for root in ledger.roots()})
        copies: dict[str, set[bytes]] = defaultdict(set)
        for passage in passages:
            copies[passage.text_sha256].add(passage.path)
        # Of passages that are the same in several files, one stands for all of these files.
        alone = {one.text_sha256: one for one in sorted(passages, reverse=True, key=_by_path)}
        ordered = _shuffled(alone.values(), seed)
        for start in range(0, len(ordered), _AT_ONCE):
            part = ordered[start : start + _AT_ONCE]
            texts = _texts(index, [passage.chunk_id for passage in part])
            for passage in part:
                text = _words_of(texts[passage.chunk_id], f"{seed} {passage.chunk_id}")
                if text:
                    yield GoldenQuery(text, tuple(sorted(copies[passage.text_sha256])), made=True)


def _passages(index: ChunkIndex, roots: dict[str, bytes]) -> list[_Passage]:
    columns = ["chunk_id", "text_sha256", "root_id", "path"]
    found = []
    for batch in index.table.search().select(columns).to_batches():
        for row in batch.to_pylist():
            if row["root_id"] in roots:
                path = roots[row["root_id"]].rstrip(b"/") + b"/" + row["path"]
                found.append(_Passage(row["chunk_id"], row["text_sha256"], path))
    return found


def _by_path(passage: _Passage) -> bytes:
    return passage.path


def _shuffled(passages: Iterable[_Passage], seed: int) -> list[_Passage]:
    """By a hash, whatever their order in the index; one of each file before a second of any."""

    def place(passage: _Passage) -> bytes:
        return hashlib.sha256(f"{seed} {passage.chunk_id}".encode()).digest()

    seen: Counter[bytes] = Counter()
    turns = []
    for passage in sorted(passages, key=place):
        turns.append((seen[passage.path], passage))
        seen[passage.path] += 1
    return [passage for _, passage in sorted(turns, key=lambda turn: turn[0])]


def _texts(index: ChunkIndex, chunk_ids: list[str]) -> dict[str, str]:
    from lancedb.expr import col

    search = index.table.search().where(col("chunk_id").isin(chunk_ids))
    rows = search.select(["chunk_id", "text"]).limit(len(chunk_ids)).to_arrow().to_pylist()
    return {row["chunk_id"]: row["text"] for row in rows}


def _words_of(text: str, seed: str) -> str:
    """Half the words of a sentence, in their order; empty where no sentence is long enough."""
    chance = random.Random(seed)  # noqa: S311 not for secrets
    sentences = [_WORD.findall(sentence) for sentence in _SENTENCE_END.split(text)]
    long = [words for words in sentences if len(words) >= _LEAST_WORDS]
    if not long:
        return ""
    words = chance.choice(long)
    chosen = sorted(chance.sample(range(len(words)), len(words) // 2))
    return " ".join(words[at] for at in chosen)
