"""Golden queries follow their files: a moved file is expected at its new place.

A made query holds words of its file. When the file is deleted it goes, too; a query that a person
wrote stays, and misses its file.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from beast_assets.core import ids
from beast_assets.core.forgotten import covers
from beast_assets.core.golden.queries import GoldenQuery, editing, load
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Indexed, Root
from beast_assets.core.planning import ADDED, REMOVED, Change


@dataclass(frozen=True)
class Moves:
    """What a run takes out of the index.

    Attributes:
        removed: names of files that are gone.
        moved: those of them whose content was added elsewhere → absolute path.
    """

    removed: frozenset[str] = frozenset()
    moved: Mapping[str, bytes] = field(default_factory=dict)


def moves_of(changes: Iterable[Change], indexed: Iterable[Indexed], roots: Iterable[Root]) -> Moves:
    """Find the removed files again by their content.

    Args:
        changes: of the run.
        indexed: what it read.
        roots: the registered folders.
    """
    folders = {root.root_id: root.path.rstrip(b"/") for root in roots}
    contents = {one.file_id: one.content for one in indexed}
    added: dict[str, bytes] = {}
    gone: dict[str, str | None] = {}
    for change in changes:
        if change.kind == ADDED and change.file_id in contents and change.root_id in folders:
            path = folders[change.root_id] + b"/" + change.path
            added.setdefault(contents[change.file_id], path)
        elif change.kind == REMOVED:
            gone[change.file_id] = change.row.content if change.row else None
    moved = {name: added[content] for name, content in gone.items() if content in added}
    return Moves(frozenset(gone), moved)


def follow(query: GoldenQuery, moves: Moves) -> GoldenQuery | None:
    """The query as it stands after the run; None for a made one without a file."""
    paths = []
    for path in query.paths:
        name = next((name for name in _names(path) if name in moves.removed), None)
        if name is None:
            paths.append(path)
        elif name in moves.moved:
            paths.append(moves.moved[name])
        elif not query.made:
            paths.append(path)
    return replace(query, paths=tuple(dict.fromkeys(paths))) if paths else None


def keep_up(home: Path, moves: Moves) -> None:
    """Keep the queries as they stand after a published run."""
    if moves.removed and load(home):
        with editing(home) as queries:
            queries[:] = filter(None, [follow(query, moves) for query in queries])


def prune(home: Path, ledger: Ledger) -> None:
    """Drop made queries whose file the index does not hold: a run died before it could."""
    made = [query for query in load(home) if query.made]
    names = {path: list(_names(path)) for query in made for path in query.paths}
    rows = ledger.named([name for several in names.values() for name in several])
    held = {row.file_id for row in rows if row.indexed is not None}
    gone = {path for path, several in names.items() if not held.intersection(several)}
    if gone:
        drop(home, gone, made_only=True)


def forget_paths(home: Path, paths: Sequence[bytes]) -> None:
    """Drop what lies at or below these paths from all queries, and the made ones of it whole."""
    if load(home):
        expected = {path for query in load(home) for path in query.paths}
        drop(home, {path for path in expected if any(covers(one, path) for one in paths)})


def drop(home: Path, gone: Iterable[bytes], *, made_only: bool = False) -> None:
    """Drop paths, made queries that have one of them, and queries that are left without any."""
    gone = frozenset(gone)
    with editing(home) as queries:
        kept = []
        for query in queries:
            left = tuple(path for path in query.paths if path not in gone)
            if left == query.paths or (made_only and not query.made):
                kept.append(query)
            elif left and not query.made:
                kept.append(replace(query, paths=left))
        queries[:] = kept


def _names(path: bytes) -> Iterator[str]:
    """Every name that a file of this path can have: one for each folder that may be its root."""
    parts = path.split(b"/")
    for end in range(1, len(parts)):
        root = b"/".join(parts[:end]) or b"/"
        yield ids.file_id(ids.root_id(root), b"/".join(parts[end:]))
