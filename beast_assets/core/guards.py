"""When files are gone in numbers, nothing is deleted unless told: perhaps only a disk is away.

A root that was mounted and is an empty folder now, a synchronisation that was cut short, an ignore
rule too wide: each looks like a deletion. The rows stay, and stay searchable, until somebody says
that it is meant. Pure.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from beast_assets.core.ledger_rows import Root
from beast_assets.core.planning import ADDED, REMOVED, Change

#: A loss is suspicious if it is more than so many files and more than this share of the root's.
MANY_FILES: Final = 100
LARGE_SHARE: Final = 0.2
ALLOW: Final = "beast index --allow-mass-delete"

#: Tells which of some added files hold the content of which lost ones: names of the lost.
FindContents = Callable[[Sequence[Change], Sequence[Change]], Collection[str]]


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Files of one root that are gone and stay in the index.

    Attributes:
        root: absolute path.
        lost: how many files are gone and were not found elsewhere.
        indexed: how many the index has of the root.
        empty: whether no file at all is left there.
    """

    root: bytes
    lost: int
    indexed: int
    empty: bool

    def describe(self) -> str:
        """What is kept and how to let it go, in a line."""
        root = self.root.decode("utf-8", "backslashreplace")
        state = f"{root} has no files any more" if self.empty else f"{root} lost many files"
        return (
            f"{state}: {self.lost} of {self.indexed} stay in the index. Mount or restore what is "
            f"away; if they were deleted on purpose, run `{ALLOW}`"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "root": self.root.decode("utf-8", "backslashreplace"),
            "lost": self.lost,
            "indexed": self.indexed,
            "empty": self.empty,
            "reason": self.describe(),
        }


def is_suspicious(lost: int, indexed: int, *, empty: bool) -> bool:
    """Whether a loss of so many of so many files may be none."""
    if empty:
        return lost > 0
    return lost > MANY_FILES and lost > LARGE_SHARE * indexed


def hold_back(
    changes: Sequence[Change],
    roots: Iterable[Root],
    indexed: Callable[[str], int],
    empty: Collection[str],
    find_contents: FindContents,
) -> tuple[list[Change], list[HeldBack]]:
    """Set the suspicious removals aside; a file that moved is not lost, and is let through.

    Args:
        changes: of all roots that could be scanned.
        roots: the registered ones; what is taken out of the roots is told, not suspicious.
        indexed: how many regular files the index has of a root, by the root's name.
        empty: names of roots in which no file was met.
        find_contents: asked only where it decides.

    Returns:
        The changes that may go on, and what is kept.
    """
    gone = _not_moved(changes)
    held: list[HeldBack] = []
    kept: set[str] = set()
    for root in roots:
        lost = gone.get(root.root_id, [])
        count, bare = indexed(root.root_id) if lost else 0, root.root_id in empty
        if not is_suspicious(_files(lost), count, empty=bare):
            continue
        found = find_contents(lost, [change for change in changes if change.kind == ADDED])
        lost = [change for change in lost if change.file_id not in found]
        if is_suspicious(_files(lost), count, empty=bare):
            kept.update(change.file_id for change in lost)
            held.append(HeldBack(root.path, _files(lost), count, bare))
    return [change for change in changes if change.file_id not in kept], held


def _not_moved(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """Removals by root, without the files that were added somewhere under another name."""
    removed: list[Change] = []
    added = set()
    for change in changes:
        if change.kind == REMOVED:
            removed.append(change)
        elif change.kind == ADDED:
            added.add(_identity(change))
    lost: dict[str, list[Change]] = defaultdict(list)
    for change in removed:
        if _identity(change) not in added:
            lost[change.root_id].append(change)
    return lost


def _identity(change: Change) -> tuple[int, int, int]:
    return change.stat.inode, change.stat.size, change.stat.mtime_ns


def _files(changes: Iterable[Change]) -> int:
    return sum(1 for change in changes if change.row is not None and change.row.regular)
