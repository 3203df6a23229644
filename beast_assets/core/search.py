"""Questions to the published index: vectors and full text, fused by their ranks."""

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from beast_assets.core.embedding import Embedder, load_embedder, model_fingerprint
from beast_assets.core.errors import NoIndexError, UsageError
from beast_assets.core.files import open_root
from beast_assets.core.hashing import hash_stable
from beast_assets.core.index import ChunkIndex, reading
from beast_assets.core.ledger import Ledger
from beast_assets.core.planning import is_trusted
from beast_assets.core.recipe import check_recipe
from beast_assets.core.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

# Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009). The paper's constant is 60, for lists of
# a thousand; over fifty candidates 5 does as well (docs/decisions.md), and a passage that is first
# in one list is not overtaken by one that is in the middle of both.
_RRF_K = 5
_CANDIDATES = 50
# With an approximate index: recall@10 against exact search 1.0 at 30,000 and 100,000 vectors.
_PROBES, _REFINE = 20, 20


@dataclass(frozen=True)
class Hit:
    r"""A passage that answers.

    Attributes:
        path: absolute; bytes that are not UTF-8 are shown as ``\\xNN``.
        score: the sum of 1 / (5 + rank) over the two rankings; higher is better.
        text: the passage, ``char_start:char_end`` of the file's text.
        line_start: first line, from 1, in its place; ``line_end`` is the last one.
        place: the page, slide, sheet or cell, such as ``page 3``; empty for plain text.
        content_sha256: of the file that was indexed.
        stale: whether the file on disk is no longer that one.
    """

    path: str
    score: float
    text: str
    char_start: int
    char_end: int
    line_start: int
    line_end: int
    place: str
    content_sha256: str
    stale: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


#: Numbers of rows with their scores, best first.
Ranking = list[tuple[int, float]]


class Rankings(NamedTuple):
    """The same question asked in three ways.

    Attributes:
        vector: by meaning; the score is the cosine.
        text: by words; the score is BM25.
        fused: what a search goes by.
    """

    vector: Ranking
    text: Ranking
    fused: Ranking


def show_path(path: bytes) -> str:
    """A path as text for people and JSON; what is not UTF-8 is escaped."""
    return path.decode("utf-8", "backslashreplace")


class Searcher:
    """A home's published index, opened for questions; it stays at the version it opened."""

    def __init__(self, settings: Settings) -> None:
        """Open the index.

        Raises:
            NoIndexError: nothing is published there.
            RecipeMismatchError: the settings name another model than the index was built with.
            IndexDamagedError: the index cannot be read.
        """
        self._settings = settings
        self._ledger = Ledger.open_existing(settings.ledger_url)
        view = self._ledger.view()
        if view is None:
            raise NoIndexError("nothing is indexed here yet: run `beast index DIR` first")
        published, recipe = view
        current = {"model": model_fingerprint(settings.model, settings.backend)}
        check_recipe({"model": recipe.get("model", "")}, current)
        self._index = ChunkIndex.open(settings.index_uri, published.table, published.version)
        self._roots = {root.root_id: root.path for root in self._ledger.roots()}
        self._embedder: Embedder | None = None

    def search(self, query: str, k: int = 10) -> list[Hit]:
        """The ``k`` best passages, best first.

        Args:
            query: a question, keywords or a fragment of text.
            k: at most so many, at least 1.

        Raises:
            UsageError: the question is empty.
            IndexDamagedError: the index cannot be read.
        """
        if not query.strip():
            raise UsageError("the question is empty: ask in words")
        with reading():
            ranked = self.rankings(query, max(_CANDIDATES, 2 * k)).fused[:k]
            rows = self._rows([row_id for row_id, _ in ranked]) if ranked else {}
        stale: dict[str, bool] = {}
        hits = [self._hit(rows[row_id], score, stale) for row_id, score in ranked]
        return [hit for hit in hits if hit is not None]

    def rankings(self, query: str, depth: int) -> Rankings:
        """The rows in the order of each ranking.

        Args:
            query: as for ``search``.
            depth: how many rows of each of the two rankings.
        """
        query = query.encode("utf-8", "replace").decode()  # what a terminal passes may be no text
        vector, text = self._by_vector(query, depth), self._by_text(query, depth)
        return Rankings(vector, text, fuse([[row for row, _ in one] for one in (vector, text)]))

    def rows_of(self, file_id: str) -> list[dict[str, Any]]:
        """A file's rows in the version that is searched (see ``ChunkIndex.rows_of``)."""
        return self._index.rows_of(file_id)

    def _by_vector(self, query: str, depth: int) -> Ranking:
        if self._embedder is None:
            self._embedder = load_embedder(
                self._settings.model,
                threads=self._settings.threads,
                backend=self._settings.backend,
                queries=True,
            )
        vector = self._embedder.encode([query])[0]
        search = self._index.table.search(vector, vector_column_name="vector")
        if self._index.has_index("vector"):
            search = search.nprobes(_PROBES).refine_factor(_REFINE)
        found = _ranked(search.distance_type("dot"), "_distance", depth)
        return [(row, 1 - distance) for row, distance in found]

    def _by_text(self, query: str, depth: int) -> Ranking:
        from lancedb.query import MatchQuery

        if not self._index.has_index("text"):
            return []
        search = self._index.table.search(MatchQuery(query, "text"), query_type="fts")
        return _ranked(search, "_score", depth)

    def _rows(self, row_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        columns = [name for name in self._index.table.schema.names if name != "vector"]
        taken = self._index.table.take_row_ids(list(row_ids)).select(columns)
        table: pa.Table = taken.with_row_id().to_arrow()
        return {row["_rowid"]: row for row in table.to_pylist()}

    def _hit(self, row: dict[str, Any], score: float, stale: dict[str, bool]) -> Hit | None:
        file = row["file_id"]
        root = self._roots.get(row["root_id"])
        if root is None:  # removed; the next run takes its rows out
            return None
        if file not in stale:
            stale[file] = self._is_stale(root, row)
        return Hit(
            show_path(os.path.join(root, row["path"])),  # noqa: PTH118 bytes, not text
            round(score, 6),
            row["text"],
            row["char_start"],
            row["char_end"],
            row["line_start"],
            row["line_end"],
            row.get("place", ""),
            row["content_sha256"],
            stale[file],
        )

    def _is_stale(self, root: bytes, row: dict[str, Any]) -> bool:
        recorded = self._ledger.file(row["file_id"])
        try:
            with open_root(root) as handle:
                if recorded is not None and is_trusted(recorded, handle.stat(row["path"]), _NEVER):
                    return bool(recorded.content != row["content_sha256"])
                return bool(hash_stable(handle.fd, row["path"]).sha256 != row["content_sha256"])
        except OSError:
            return True


# No hash is as young as this: only settled ones are believed.
_NEVER = 2**63


def fuse(rankings: Sequence[Sequence[int]]) -> list[tuple[int, float]]:
    """Reciprocal rank fusion: rows and scores, best first, ties by row."""
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, row in enumerate(ranking, 1):
            scores[row] += 1 / (_RRF_K + rank)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def _ranked(search: Any, score: str, depth: int) -> Ranking:
    table: pa.Table = search.with_row_id(True).select([score]).limit(depth).to_arrow()
    return list(zip(table["_rowid"].to_pylist(), table[score].to_pylist(), strict=True))
