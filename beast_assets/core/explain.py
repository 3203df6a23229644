"""Why a path is in the index or not, what the index has of it, and where a query ranks it."""

from typing import Any

from beast_assets.core import ids
from beast_assets.core.embedding import planned_backend
from beast_assets.core.errors import UsageError
from beast_assets.core.index import ChunkIndex
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import FileRow
from beast_assets.core.places import place, state_of
from beast_assets.core.search import Ranking, Searcher
from beast_assets.core.settings import Settings
from beast_assets.core.words import in_words, moment, one_line, show_path

# How deep a query looks for the file.
DEPTH = 1_000
_SHOWN = ("char_start", "char_end", "line_start", "line_end", "place")


def explain(settings: Settings, path: bytes, query: str | None = None) -> dict[str, Any]:
    """All that is known of a path.

    Args:
        settings: of the home.
        path: of a file or folder that need not exist; links in the folders above are resolved.
        query: also say where it ranks the file.

    Returns:
        ``path``, ``state`` and ``why`` (see ``state_of``) and, under a root, ``root``; for a file
        with a record ``size``, ``hashed``, ``content_sha256``, ``extractor`` and ``chunks``, with
        rows ``model``, ``model_fingerprint`` and ``backend``; with a query ``rankings``: for each
        the best chunk's ``rank``, ``score`` and number, None if none is among the first 1,000.

    Raises:
        NoIndexError: there is no home here.
        UsageError: a query, and the file has no rows to rank.
    """
    ledger = Ledger.open_existing(settings.ledger_url)
    at = place(path, ledger.roots())
    record = None
    if at.root is not None:
        record = ledger.file(ids.file_id(at.root.root_id, at.below))
    state, why = state_of(settings, ledger, at, record)
    found: dict[str, Any] = {"path": show_path(at.absolute), "state": state, "why": why}
    if at.root is not None:
        found["root"] = show_path(at.root.path)
    if record is not None:
        found |= _recorded(settings, ledger, record)
    if query is not None:
        found["rankings"] = _rankings(settings, record, query)
    return found


def _recorded(settings: Settings, ledger: Ledger, record: FileRow) -> dict[str, Any]:
    hashed = record.content is not None and not record.content.startswith("!")
    found: dict[str, Any] = {
        "size": record.size,
        "hashed": str(moment(record.hashed_ns)) if hashed else None,
        "content_sha256": record.content if hashed else None,
        "extractor": record.extractor,
        "chunks": [],
    }
    if record.chunks:
        rows = _rows(settings, ledger, record)
        found["chunks"] = [{key: row[key] for key in _SHOWN if key in row} for row in rows]
        found["model"] = ledger.meta("model") or settings.model
        found["model_fingerprint"] = (ledger.recipe() or {}).get("model")
        found["backend"] = planned_backend(settings.model, settings.backend)
    return found


def _rows(settings: Settings, ledger: Ledger, record: FileRow) -> list[dict[str, Any]]:
    published = ledger.published()
    if published is None:
        return []
    index = ChunkIndex.open(settings.index_uri, published.table, published.version)
    return index.rows_of(record.file_id)


def _rankings(settings: Settings, record: FileRow | None, query: str) -> dict[str, Any]:
    if record is None or not record.chunks:
        raise UsageError("the file has no rows that a query could find: see without --query")
    searcher = Searcher(settings)
    mine = {row["_rowid"]: number for number, row in enumerate(searcher.rows_of(record.file_id), 1)}
    rankings = searcher.rankings(query, DEPTH)
    return {name: _best(ranking, mine) for name, ranking in rankings._asdict().items()}


def _best(ranking: Ranking, mine: dict[int, int]) -> dict[str, Any] | None:
    for rank, (row, score) in enumerate(ranking, 1):
        if row in mine:
            return {"rank": rank, "score": round(score, 6), "chunk": mine[row]}
    return None


def explanation_lines(found: dict[str, Any]) -> list[str]:
    """The same in words."""
    shown = {key: value for key, value in found.items() if key not in ("chunks", "rankings")}
    lines = in_words(shown)
    for number, chunk in enumerate(found.get("chunks", ()), 1):
        place = f", {one_line(chunk['place'])}" if chunk.get("place") else ""
        where = "characters {char_start}-{char_end}, lines {line_start}-{line_end}".format(**chunk)
        lines.append(f"chunk {number}: {where}{place}")
    for name, best in found.get("rankings", {}).items():
        if best is None:
            lines.append(f"{name}: not among the first {DEPTH}")
        else:
            lines.append("{0}: rank {rank}, score {score}, chunk {chunk}".format(name, **best))
    return lines
