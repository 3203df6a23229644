"""What must hold after each case, looked at from outside the code under test."""

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from beast_assets.core.purge import AT_ONCE
from beast_assets.core.settings import Settings

if TYPE_CHECKING:
    from beast_assets_tests.faults.scenes import Scene


@dataclass(frozen=True)
class Sight:
    """What readers of a home see.

    Attributes:
        digest: of all rows, without what depends on the table's history.
        texts: different texts, each of which costs the model once.
        problems: what is wrong with the rows in themselves, or between them and the ledger.
    """

    digest: str = ""
    texts: int = 0
    problems: tuple[str, ...] = field(default=(), compare=False)


def look(settings: Settings) -> Sight:
    """Look at all that readers see; an index that cannot be read raises."""
    from beast_assets.core.ledger import Ledger
    from beast_assets_tests.homes import comparable, published_rows

    rows = published_rows(settings)
    names = Counter(row["chunk_id"] for row in rows)
    by_file: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_file[row["file_id"]].append(row["chunk_id"])
    ledger = Ledger.open_existing(settings.ledger_url)
    recorded = {row.file_id: (row.chunks, row.rows_digest) for row in ledger.files() if row.chunks}
    held = {name: (len(ids), _rows_digest(ids)) for name, ids in by_file.items()}
    problems = []
    if duplicates := sum(count - 1 for count in names.values()):
        problems.append(f"{duplicates} duplicates")
    if orphans := held.keys() - recorded.keys():
        problems.append(f"{len(orphans)} orphaned files")
    if held != recorded:
        problems.append("the ledger's rows are not the index's")
    if ledger.totals()["chunks"] != len(rows):
        problems.append(f"{ledger.totals()['chunks']} chunks recorded, {len(rows)} there")
    whole = sorted(map(repr, comparable(rows).elements()))
    texts = len({row["text"] for row in rows})
    return Sight(hashlib.sha256("\n".join(whole).encode()).hexdigest(), texts, tuple(problems))


def sound(settings: Settings, scene: "Scene", *, wanted: Sight | None = None) -> list[str]:
    """What is wrong with a home that should be complete, in words; nothing where all is well."""
    from beast_assets.core.ledger import Ledger
    from beast_assets.core.maintenance import maintain
    from beast_assets_tests.faults.scenes import index

    seen = look(settings)
    problems = list(seen.problems)
    if seen != (wanted or scene.new):
        problems.append("the rows are not those of a clean build")
    if any(vars(index(settings).work).values()):
        problems.append("another run found work")
    problems += _found(settings)
    maintain(settings, retention=AT_ONCE)
    if look(settings) != seen:
        problems.append("maintenance altered the rows")
    ours = f"chunks_{Ledger.open(settings.ledger_url).index_name()}_*.lance"
    tables = list(Path(settings.index_uri).glob(ours))
    if len(tables) != 1:
        problems.append(f"{len(tables)} tables are left after maintenance")
    return problems


def _found(settings: Settings) -> list[str]:
    from beast_assets.core.search import Searcher

    hits = Searcher(settings).search("topic31x1y3", 1)
    found = bool(hits) and hits[0].path.endswith("note-31.md") and not hits[0].stale
    return [] if found else ["a search does not find the passage"]


def _rows_digest(chunk_ids: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(chunk_ids)).encode()).hexdigest()
