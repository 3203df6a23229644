"""Whether files that are gone stand elsewhere under another name and another inode.

A synchronisation that knows no renames copies and deletes. This reads files, so it is asked only
where the answer decides whether a deletion is held back.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from beast_assets.core.files import open_root
from beast_assets.core.hashing import ChangedWhileReading, hash_stable
from beast_assets.core.planning import Change


def find_copies(
    lost: Sequence[Change],
    added: Sequence[Change],
    roots: Mapping[str, bytes],
    budget: int | None = None,
) -> set[str]:
    """Names of lost files whose content some added file holds.

    Args:
        lost: removals, with their rows.
        added: additions; only those as large as a lost file are read.
        roots: root's name → its path.
        budget: bytes to read at the most; what is beyond counts as found, for the run to decide.
    """
    by_size: dict[int, list[Change]] = defaultdict(list)
    for change in lost:
        by_size[change.stat.size].append(change)
    candidates = [change for change in added if change.problem is None]
    candidates = [change for change in candidates if change.stat.size in by_size]
    found: set[str] = set()
    for change, content in _contents(candidates, roots, budget):
        for gone in by_size[change.stat.size]:
            if content is None or (gone.row is not None and gone.row.indexed == content):
                found.add(gone.file_id)
    return found


def _contents(
    changes: Sequence[Change], roots: Mapping[str, bytes], budget: int | None
) -> Iterator[tuple[Change, str | None]]:
    """SHA-256 of each file that can be read, None where the budget does not reach."""
    for change in changes:
        if budget is not None and change.stat.size > budget:
            yield change, None
            continue
        budget = None if budget is None else budget - change.stat.size
        try:
            with open_root(roots[change.root_id]) as handle:
                yield change, hash_stable(handle.fd, change.path).sha256
        except (OSError, ChangedWhileReading):
            continue
