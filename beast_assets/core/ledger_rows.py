"""What goes into the ledger and comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from beast_assets.core.records import Stat

INDEXED = "indexed"
SKIPPED = "skipped"
QUARANTINED = "quarantined"


class Root(NamedTuple):
    """A folder that is indexed; ``path`` is absolute, raw bytes."""

    root_id: str
    path: bytes


class Observed(NamedTuple):
    """The observed half of a file's row; ``hashed_ns`` is when reading its content began."""

    file_id: str
    root_id: str
    path: bytes
    regular: bool
    stat: Stat
    hashed_ns: int
    content: str | None


class FileRow(NamedTuple):
    """A row of ``files``: times in nanoseconds, ``content`` and ``indexed`` as ``content_key``."""

    file_id: str
    root_id: str
    path: bytes
    regular: bool
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    hashed_ns: int
    content: str | None
    indexed: str | None
    status: str | None
    reason: str | None
    extractor: str | None
    chunks: int
    rows_digest: str | None

    @property
    def stat(self) -> Stat:
        """The stat that was observed with the content."""
        return Stat(self.size, self.mtime_ns, self.ctime_ns, self.inode)

    @property
    def observed(self) -> Observed:
        """What was last seen of the file."""
        return Observed(
            self.file_id,
            self.root_id,
            self.path,
            self.regular,
            self.stat,
            self.hashed_ns,
            self.content,
        )


class Indexed(NamedTuple):
    """The indexed half of a file's row; ``rows_digest`` is ``index.rows_digest`` of its chunks."""

    file_id: str
    content: str
    status: str
    reason: str | None
    extractor: str | None
    chunks: int
    rows_digest: str | None


@dataclass(frozen=True)
class Published:
    """Where readers look: a table of the index and a version of it."""

    table: str
    version: int


@dataclass
class Publication:
    """What one run publishes, in one transaction.

    Attributes:
        published: the version of the index that is complete with this.
        indexed: files whose rows are in it now.
        removed: names of files that are gone.
        recipe: what the index is built with.
        model: the setting that named the model.
        rebuilt: a new table took the old one's place: what was not written is not in it.
        deleted_rows: rows were deleted from the table; its files hold them for a while.
        facts: on this version, for the ledger's meta.
    """

    published: Published
    recipe: Mapping[str, str]
    model: str = ""
    rebuilt: bool = False
    deleted_rows: bool = False
    indexed: list[Indexed] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    facts: Mapping[str, str] = field(default_factory=dict)


def content_key(sha256: str | None, problem: str | None) -> str | None:
    """What a file holds, in one word: its SHA-256, or ``!`` and why there is none."""
    return f"!{problem}" if problem is not None else sha256
