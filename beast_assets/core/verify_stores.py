"""The containers: SQLite files, and the indices beside the rows."""

from pathlib import Path

from beast_assets.core.cache import EmbeddingCache
from beast_assets.core.database import engine_for, integrity, parse_url
from beast_assets.core.findings import Findings
from beast_assets.core.home import cache_url
from beast_assets.core.index import ChunkIndex, reading
from beast_assets.core.ledger import Ledger
from beast_assets.core.settings import Settings


def check_databases(found: Findings, settings: Settings, ledger: Ledger) -> None:
    """Have SQLite look its files over."""
    _note_damage(found, "ledger", settings.ledger_url, ledger.integrity())
    url = cache_url(settings)
    if url != settings.ledger_url and _exists(url):
        _note_damage(found, "cache", url, integrity(engine_for(url)))


def cache_of(found: Findings, settings: Settings, ledger: Ledger) -> EmbeddingCache | None:
    """The cache of the index's model, if it is there and sound."""
    if "cache" in found.damaged:
        return None
    recipe = ledger.recipe() or {}
    return EmbeddingCache.open_existing(cache_url(settings), recipe.get("model", ""))


def check_indices(found: Findings, index: ChunkIndex) -> None:
    """Ask the full-text index, and the vector index if there is one."""
    with reading():
        absent = index.count() and not index.has_index("text")
        broken = index.broken_indices()
    if absent:
        found.home("full_text", "there is none")
    for column in broken:
        found.home("full_text" if column == "text" else "vector_index", "it does not answer")


def _exists(url: str) -> bool:
    return Path(parse_url(url).database or "").exists()


def _note_damage(found: Findings, name: str, url: str, lines: list[str]) -> None:
    if lines:
        found.home("database", lines[0], parse_url(url).database or "")
        found.damaged.add(name)
