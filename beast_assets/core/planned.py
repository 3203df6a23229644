"""What a run would take up, as data and in words."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from beast_assets.core.planning import ADDED, CHANGED, REMOVED
from beast_assets.core.words import one_line, show_path

TO_HASH = "to_hash"
#: Links, sockets and the like, which have a row and no content.
NOTED = "noted"
KINDS = (ADDED, CHANGED, REMOVED, TO_HASH, NOTED)


class Planned(NamedTuple):
    """A file that the next run would take up: its absolute path, its size in bytes, and why."""

    path: bytes
    size: int
    reason: str


@dataclass
class Preview:
    """What the next run would do.

    Attributes:
        files: kind → what it would take up, by path.
        scanned: regular files after exclusions, in all roots that could be read.
        text_bytes: of the files to be read, those that may hold text: what is embedded at most.
        new_roots: folders that would be added.
        index: in what state the index is, in words.
        held_back: why the run, or a root's part in it, would be refused.
    """

    files: dict[str, list[Planned]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    scanned: int = 0
    text_bytes: int = 0
    new_roots: list[bytes] = field(default_factory=list)
    index: str = ""
    held_back: list[str] = field(default_factory=list)

    def to_dict(self, at_most: int | None) -> dict[str, Any]:
        """Plain data for JSON, with ``at_most`` paths of each kind."""
        groups = {kind: _group(found, at_most) for kind, found in self.files.items()}
        return {
            **groups,
            "scanned": self.scanned,
            "text_bytes": self.text_bytes,
            "new_roots": [show_path(path) for path in self.new_roots],
            "index": self.index,
            "held_back": self.held_back,
        }

    def lines(self, at_most: int | None) -> list[str]:
        """The same in words."""
        lines = [f"held back: {reason}" for reason in self.held_back]
        lines += [f"new folder: {one_line(show_path(path))}" for path in self.new_roots]
        for kind, planned in self.files.items():
            lines += _lines(kind.replace("_", " "), planned, at_most)
        lines.append(f"{self.scanned} files now; at most {self.text_bytes} bytes of text to embed")
        return [*lines, f"index: {self.index}"]


def _group(found: Sequence[Planned], at_most: int | None) -> dict[str, Any]:
    return {
        "files": len(found),
        "bytes": sum(planned.size for planned in found),
        "reasons": dict(Counter(planned.reason for planned in found).most_common()),
        "paths": [show_path(planned.path) for planned in found[:at_most]],
    }


def _lines(kind: str, found: Sequence[Planned], at_most: int | None) -> list[str]:
    if not found:
        return []
    group = _group(found, at_most)
    reasons = ", ".join(f"{count} {reason}" for reason, count in group["reasons"].items())
    lines = [f"{kind}: {len(found)}, {group['bytes']} bytes ({reasons})"]
    lines += [f"  {one_line(path)}" for path in group["paths"]]
    left = len(found) - len(group["paths"])
    return [*lines, f"  … and {left} more: --all shows them"] if left else lines
