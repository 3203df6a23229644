"""What a run did: counts by bucket, and their sum."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from beast_assets.core.corpus_shape import CorpusShape
from beast_assets.core.detail import Detail
from beast_assets.core.ledger_rows import FileRow


@dataclass
class Work:
    """Counts of what was done.

    Attributes:
        added: files that are new in the index.
        changed: files whose content is another than the indexed one.
        removed: files that are gone.
        bytes_hashed: bytes read and hashed.
        chunks_written: rows written to the index.
        embedded: texts given to the model.
        reused: rows whose vector was there already.
        tokens_truncated: tokens of embedded texts that the model did not read.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    bytes_hashed: int = 0
    chunks_written: int = 0
    embedded: int = 0
    reused: int = 0
    tokens_truncated: int = 0

    def __add__(self, other: "Work") -> "Work":
        values = {
            item.name: getattr(self, item.name) + getattr(other, item.name) for item in fields(self)
        }
        return Work(**values)


@dataclass
class Holding:
    """What the index holds of a bucket after the run.

    Attributes:
        files: regular files.
        chunks: rows.
        skipped: entries that are listed but have no text, for a benign reason.
        quarantined: entries with something wrong.
        digest: SHA-256 over the bucket's paths and contents; its data version in Dagster.
        bytes: sizes of the regular files, summed.
        entries: files, and what else is listed, such as links.
        newest: the entries that changed last, at most ten, the last first.
    """

    files: int = 0
    chunks: int = 0
    skipped: int = 0
    quarantined: int = 0
    digest: str = ""
    bytes: int = 0
    entries: int = 0
    newest: list[FileRow] = field(default_factory=list)


@dataclass
class BucketReport:
    """One bucket of a run.

    Attributes:
        held_back: what was done for it was not published.
        detail: how the work went.
    """

    bucket: str
    work: Work = field(default_factory=Work)
    holding: Holding = field(default_factory=Holding)
    held_back: bool = False
    detail: Detail = field(default_factory=Detail)

    @property
    def unchanged(self) -> int:
        """Files that were there before and are the same."""
        return max(0, self.holding.files - self.work.added - self.work.changed)


@dataclass
class Report:
    """A run.

    Attributes:
        buckets: those that were brought up to date or held back, in order.
        scanned: regular files after exclusions, in all buckets.
        totals: what the whole index holds: ``files``, ``chunks``, ``skipped``, ``quarantined``.
        unavailable: why roots could not be scanned.
        held_back: removals that a guard did not believe, as ``guards.HeldBack.to_dict`` gives them.
        seconds: wall time, the wait for the lock left out.
        version: version of the index that readers see now; None before the first.
        golden: what the golden queries said, as ``golden.held.Verdict.to_dict`` gives it; None
            where they were not asked.
        shape: of the corpus that is published now; None where no bucket was looked at.
    """

    buckets: list[BucketReport] = field(default_factory=list)
    scanned: int = 0
    totals: dict[str, int] = field(default_factory=dict)
    unavailable: list[str] = field(default_factory=list)
    held_back: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    version: int | None = None
    golden: dict[str, Any] | None = None
    shape: CorpusShape | None = None

    @property
    def materialized(self) -> list[BucketReport]:
        """The buckets that are up to date now."""
        return [bucket for bucket in self.buckets if not bucket.held_back]

    @property
    def work(self) -> Work:
        """The sum over the buckets."""
        return sum((bucket.work for bucket in self.buckets), Work())

    def to_dict(self) -> dict[str, Any]:
        """The counts that ``beast index --json`` prints."""
        work = self.work
        return {
            "scanned": self.scanned,
            **asdict(work),
            "unchanged": max(0, self.scanned - work.added - work.changed),
            "skipped": self.totals.get("skipped", 0),
            "quarantined": self.totals.get("quarantined", 0),
            "chunks_total": self.totals.get("chunks", 0),
            "buckets": [bucket.bucket for bucket in self.materialized],
            "unavailable": self.unavailable,
            "held_back": self.held_back,
            "version": self.version,
            "golden": self.golden,
            "seconds": round(self.seconds, 3),
        }
