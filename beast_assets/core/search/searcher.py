"""One version of the index, opened for questions."""

import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from beast_assets.core.ann import by_vector, plan_of
from beast_assets.core.embedding import model_fingerprint
from beast_assets.core.errors import NoIndexError
from beast_assets.core.index import ChunkIndex, Row, reading
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Published
from beast_assets.core.recipe import check_recipe
from beast_assets.core.search.encoder import QueryEncoder
from beast_assets.core.search.filters import condition
from beast_assets.core.search.freshness import Freshness, Source
from beast_assets.core.search.hits import Hit, Hits, Passage
from beast_assets.core.search.neighbours import joined
from beast_assets.core.search.options import TEXT, VECTOR, SearchOptions, checked_query
from beast_assets.core.search.ranking import CANDIDATES, Ranking, Rankings, add_phrases, fuse
from beast_assets.core.search.rerank import DEPTH as RERANK_DEPTH
from beast_assets.core.search.rerank import rerank_scores
from beast_assets.core.search.similar import without_copies
from beast_assets.core.search.terms import keywords, phrases
from beast_assets.core.settings import Settings
from beast_assets.core.words import show_path

if TYPE_CHECKING:
    import pyarrow as pa

# Of what a hit tells; each costs a look-up .3 ms.
_COLUMNS = [name for name in Row._fields if name != "text_sha256"]
# The one ranking is asked for while the other is; LanceDB works outside the interpreter's lock.
_BESIDE = ThreadPoolExecutor(8, "beast-text")
# How deep copies and the like make us look.
_DEEPEST = 10_000


class Found(NamedTuple):
    """An answer as the index gives it; whether files changed since is another question.

    Attributes:
        hits: best first, none of them marked as stale.
        sources: their files, in the same order.
    """

    hits: tuple[Hit, ...]
    sources: tuple[Source, ...]


class _Ranked(NamedTuple):
    row: dict[str, Any]
    score: float
    scores: dict[str, float]


class Searcher:
    """A home's published index, opened for questions; it stays at the version it opened.

    Attributes:
        version: of the index, one word.
        published: the same, as the ledger names it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        encoder: QueryEncoder | None = None,
        ledger: Ledger | None = None,
        at: Published | None = None,
    ) -> None:
        """Open the index.

        Args:
            settings: of the home.
            encoder: a loaded model to share; by default one of its own, loaded when needed.
            ledger: an open one to share.
            at: a version that is not, or not yet, the published one.

        Raises:
            NoIndexError: nothing is published there.
            RecipeMismatchError: the settings name another model than the index was built with.
            IndexDamagedError: the index cannot be read.
        """
        self._settings = settings
        self._ledger = ledger or Ledger.open_existing(settings.ledger_url)
        self.published = at or self._look()
        self.version = f"{self.published.table}:{self.published.version}"
        self._index = ChunkIndex.open(
            settings.index_uri, self.published.table, self.published.version
        )
        self._plan = plan_of(self._ledger, self.published)
        self._has_text = self._index.has_index("text")
        self._has_phrases = self._index.has_phrases()
        self._roots = {root.root_id: root.path for root in self._ledger.roots()}
        self._encoder = encoder or QueryEncoder(settings)
        self._freshness = Freshness(self._ledger)

    def _look(self) -> Published:
        view = self._ledger.view()
        if view is None:
            raise NoIndexError("nothing is indexed here yet: run `beast index DIR` first")
        published, recipe = view
        current = {"model": model_fingerprint(self._settings.model, self._settings.backend)}
        check_recipe({"model": recipe.get("model", "")}, current)
        return published

    # -- answers ---------------------------------------------------------------------------------

    def search(self, query: str, k: int = 10, **options: Any) -> Hits:
        """The ``k`` best passages, best first.

        Args:
            query: a question, keywords or a fragment of text.
            k: at most so many, at least 1.
            **options: the others of ``SearchOptions``, by name.

        Raises:
            UsageError: the question is empty, or an option is not among those allowed.
            IndexDamagedError: the index cannot be read.
        """
        return self.refresh(self.find(query, SearchOptions(k=k, **options)))

    def find(self, query: str, options: SearchOptions) -> Found:
        """As ``search``, without a look at the disk."""
        query = checked_query(query)
        with reading():
            best = self._best(query, options)
            hits = [(self._hit(ranked, copies, options), ranked.row) for ranked, copies in best]
        return Found(tuple(hit for hit, _ in hits), tuple(self._source(row) for _, row in hits))

    def refresh(self, found: Found) -> Hits:
        """The hits, with those of files that changed since marked as stale."""
        stale = self._freshness.stale(found.sources)
        hits = (
            replace(hit, stale=True) if source.file_id in stale else hit
            for hit, source in zip(found.hits, found.sources, strict=True)
        )
        return Hits(tuple(hits), self.version)

    def passage(self, chunk_id: str, context: int = 0) -> Passage | None:
        """A passage by its name, with so many neighbours on each side; None if there is none.

        Raises:
            IndexDamagedError: the index cannot be read.
        """
        from lancedb.expr import col, lit

        if not re.fullmatch(r"[0-9a-f]{32}", chunk_id):
            return None
        with reading():
            search = self._index.table.search().where(col("chunk_id") == lit(chunk_id))
            rows = search.select(_COLUMNS).limit(1).to_arrow().to_pylist()
            if not rows or rows[0]["root_id"] not in self._roots:
                return None
            row = self._with_context(rows[0], context)
        source = self._source(row)
        stale = source.file_id in self._freshness.stale([source])
        return Passage(**self._passage_of(row), stale=stale)

    def rows_of(self, file_id: str) -> list[dict[str, Any]]:
        """A file's rows in the version that is searched (see ``ChunkIndex.rows_of``)."""
        return self._index.rows_of(file_id)

    def paths(self, row_ids: Sequence[int]) -> dict[int, bytes]:
        """Absolute paths of rows by their number; a removed root's are left out.

        Raises:
            IndexDamagedError: the index cannot be read.
        """
        if not row_ids:
            return {}
        with reading():
            taken = self._index.table.take_row_ids(list(row_ids)).select(["root_id", "path"])
            rows = taken.with_row_id().to_arrow().to_pylist()
        return {
            row["_rowid"]: os.path.join(self._roots[row["root_id"]], row["path"])  # noqa: PTH118
            for row in rows
            if row["root_id"] in self._roots
        }

    # -- ranking ---------------------------------------------------------------------------------

    def rankings(self, query: str, depth: int, options: SearchOptions | None = None) -> Rankings:
        """The rows in the order of each ranking.

        Args:
            query: as for ``search``.
            depth: how many rows of each of the two rankings.
            options: filters, and which of the two are wanted (both for ``hybrid``).
        """
        options = options or SearchOptions()
        query = checked_query(query)
        where = condition(options, self._ledger)
        if options.mode == TEXT:
            text = self._by_text(query, depth, where)
            return Rankings([], text, text)
        if options.mode == VECTOR:
            vector = self._by_vector(query, depth, where)
            return Rankings(vector, [], vector)
        beside = _BESIDE.submit(self._by_text, query, depth, where)
        vector = self._by_vector(query, depth, where)
        text = beside.result()
        return Rankings(vector, text, fuse(vector, text))

    def _best(self, query: str, options: SearchOptions) -> list[tuple[_Ranked, int]]:
        depth = max(CANDIDATES, 2 * options.k)
        while True:
            rankings = self.rankings(query, depth, options)
            best = _choose(self._ranked(query, rankings, options), options)
            exhausted = max(len(rankings.vector), len(rankings.text)) < depth
            if len(best) >= options.k or exhausted or depth >= _DEEPEST:
                return best
            depth *= 4  # copies, or one file's passages, filled it

    def _ranked(self, query: str, rankings: Rankings, options: SearchOptions) -> Iterator[_Ranked]:
        parts = _parts(rankings)
        if options.rerank:
            return iter(self._reranked(query, rankings.fused[:RERANK_DEPTH], parts))
        return self._in_slices(rankings.fused, parts, options.k + 4)

    def _in_slices(
        self, ranking: Ranking, parts: dict[int, dict[str, float]], size: int
    ) -> Iterator[_Ranked]:
        for start in range(0, len(ranking), size):
            part = ranking[start : start + size]
            rows = self._rows([row_id for row_id, _ in part])
            for row_id, score in part:
                # Of a root that was removed the next run takes the rows out.
                if rows[row_id]["root_id"] in self._roots:
                    yield _Ranked(rows[row_id], score, parts[row_id])

    def _reranked(
        self, query: str, ranking: Ranking, parts: dict[int, dict[str, float]]
    ) -> list[_Ranked]:
        found = list(self._in_slices(ranking, parts, max(1, len(ranking))))
        texts = [one.row["text"] for one in found]
        scores = rerank_scores(self._settings.reranker, query, texts)
        again = [
            _Ranked(one.row, score, one.scores | {"rerank": score})
            for one, score in zip(found, scores, strict=True)
        ]
        return sorted(again, key=lambda one: -one.score)

    def _by_vector(self, query: str, depth: int, where: Any) -> Ranking:
        vector = self._encoder.encode(query)
        search = by_vector(self._index.table, vector, self._plan, where)
        found = _rows_and(search, "_distance", depth)
        return [(row, 1 - distance) for row, distance in found]

    def _by_text(self, query: str, depth: int, where: Any) -> Ranking:
        from lancedb.query import MatchQuery, PhraseQuery

        def ask(asked: Any) -> Ranking:
            search = self._index.table.search(asked, query_type="fts")
            return _rows_and(search if where is None else search.where(where), "_score", depth)

        if not self._has_text:
            return []
        # Not one query of several parts: LanceDB takes ten times as long for it.
        together = phrases(query) if self._has_phrases else []
        found = [ask(PhraseQuery(phrase, "text")) for phrase in together]
        return add_phrases(ask(MatchQuery(keywords(query), "text")), found)[:depth]

    # -- rows ------------------------------------------------------------------------------------

    def _rows(self, row_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        taken = self._index.table.take_row_ids(list(row_ids)).select(_COLUMNS)
        table: pa.Table = taken.with_row_id().to_arrow()
        return {row["_rowid"]: row for row in table.to_pylist()}

    def _with_context(self, row: dict[str, Any], context: int) -> dict[str, Any]:
        if not context:
            return row
        return joined(row, self._index.rows_of(row["file_id"], texts=True), context)

    def _hit(self, ranked: _Ranked, copies: int, options: SearchOptions) -> Hit:
        row = self._with_context(ranked.row, options.context)
        return Hit(
            **self._passage_of(row),
            score=round(ranked.score, 6),
            scores=ranked.scores,
            copies=copies,
        )

    def _passage_of(self, row: dict[str, Any]) -> dict[str, Any]:
        names = ("chunk_id", "text", "char_start", "char_end", "line_start", "line_end", "place")
        values = {name: row[name] for name in (*names, "content_sha256")}
        path = os.path.join(self._roots[row["root_id"]], row["path"])  # noqa: PTH118 bytes
        return values | {"path": show_path(path)}

    def _source(self, row: dict[str, Any]) -> Source:
        return Source(
            row["file_id"], self._roots[row["root_id"]], row["path"], row["content_sha256"]
        )


def _choose(ranked: Iterator[_Ranked], options: SearchOptions) -> list[tuple[_Ranked, int]]:
    return without_copies(ranked, options.k, per_file=options.per_file, keep_copies=options.copies)


def _parts(rankings: Rankings) -> dict[int, dict[str, float]]:
    """What each ranking says of each row."""
    parts: dict[int, dict[str, float]] = {}
    for name, ranking in (("vector", rankings.vector), ("text", rankings.text)):
        for rank, (row, score) in enumerate(ranking, 1):
            parts.setdefault(row, {}).update({name: round(score, 6), f"{name}_rank": rank})
    return parts


def _rows_and(search: Any, score: str, depth: int) -> Ranking:
    table: pa.Table = search.with_row_id(True).select([score]).limit(depth).to_arrow()
    return list(zip(table["_rowid"].to_pylist(), table[score].to_pylist(), strict=True))
