"""A run, from plain data to a report: what an asset, a job on a cluster or a test calls."""

import hashlib
import heapq
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from beast_assets.core import ids
from beast_assets.core import ledger_rows as ledgers
from beast_assets.core.corpus_shape import CorpusShape
from beast_assets.core.detail import Detail
from beast_assets.core.golden.held import ScoreDroppedError
from beast_assets.core.home import close_home
from beast_assets.core.ingest import ingest
from beast_assets.core.ledger_rows import FileRow
from beast_assets.core.report import BucketReport, Holding, Report
from beast_assets.core.session import Request, Session, open_session, run_mending
from beast_assets.core.settings import Settings

_NEWEST = 10


def run_index(
    settings: Settings,
    request: Request,
    *,
    run_id: str,
    timeout_s: float = 0,
    waiting: Callable[[str], None] | None = None,
    clear_up: Callable[[], object] | None = None,
) -> Report:
    """Bring the asked buckets of the index up to date with the disk and publish them at once.

    Args:
        settings: where everything lies and how it is built.
        request: which buckets.
        run_id: the name under which the report is kept in the ledger.
        timeout_s: how long to wait for another writer.
        waiting: told whom the wait is for.
        clear_up: see ``open_session``.

    Raises:
        LockedError: another writer kept the lock.
        RecipeMismatchError: the index was built with another recipe.
        HeldBackError: a rebuild would lose the files of a root that cannot be read now.
    """

    def run() -> Report:
        with open_session(
            settings, request, timeout_s=timeout_s, waiting=waiting, clear_up=clear_up
        ) as session:
            began = time.monotonic()
            try:
                report = _run(session, session.choose(request), request.rebuild)
            except ScoreDroppedError as error:
                report = held_report(session, error.verdict)
            report.seconds = time.monotonic() - began
            session.ledger.record_run(run_id, report.to_dict())
            close_home(settings)
            return report

    return run_mending(run)


def _run(session: Session, buckets: Sequence[str], rebuild: bool) -> Report:
    published = session.ledger.published()
    report = observed_report(session)
    reports = {bucket: BucketReport(bucket) for bucket in buckets}
    changed = set(session.changed_buckets())
    if rebuild or published is None or changed.intersection(buckets):
        done = ingest(session, buckets, rebuild=rebuild)
        report.version = done.version
        for bucket, work in done.work.items():
            reports[bucket].work = work
            reports[bucket].detail = done.details.get(bucket, Detail())
        if done.verdict is not None:
            _note(report, done.verdict.to_dict())
            for bucket in changed.intersection(buckets):
                reports[bucket].held_back = bool(done.verdict.held_back)
    for bucket, read in session.observation.bytes_hashed.items():
        if bucket in reports:
            reports[bucket].work.bytes_hashed += read
            reports[bucket].detail.hash_seconds += session.observation.hash_seconds[bucket]
    rows = session.ledger.files()
    report.shape = CorpusShape.of(rows)
    for bucket, holding in holdings(rows, session.bucket_count, buckets).items():
        reports[bucket].holding = holding
    report.buckets = [reports[bucket] for bucket in sorted(reports)]
    report.totals = session.ledger.totals()
    return report


def observed_report(session: Session) -> Report:
    """The report of a run that had nothing to do."""
    published = session.ledger.published()
    return Report(
        scanned=session.observation.scanned,
        totals=session.ledger.totals(),
        unavailable=session.observation.unavailable,
        held_back=[held.to_dict() for held in session.observation.held_back],
        version=published.version if published else None,
    )


def held_report(session: Session, verdict: dict[str, Any]) -> Report:
    """The report of a run whose changes the golden queries held back before."""
    report = observed_report(session)
    _note(report, verdict)
    return report


def _note(report: Report, verdict: dict[str, Any]) -> None:
    report.golden = verdict
    if verdict["held_back"]:
        report.held_back.append({"reason": verdict["held_back"]})


def holdings(
    rows: Sequence[FileRow], bucket_count: int, buckets: Sequence[str]
) -> dict[str, Holding]:
    """What the published index holds of each bucket, by all rows of the ledger."""
    theirs: dict[str, list[FileRow]] = defaultdict(list)
    for row in rows:
        if row.indexed is not None:
            theirs[ids.bucket_of(row.file_id, bucket_count)].append(row)
    return {bucket: _holding(theirs[bucket]) for bucket in buckets}


def _holding(rows: Sequence[FileRow]) -> Holding:
    holding = Holding(
        files=sum(1 for row in rows if row.regular),
        chunks=sum(row.chunks for row in rows),
        skipped=sum(1 for row in rows if row.status == ledgers.SKIPPED),
        quarantined=sum(1 for row in rows if row.status == ledgers.QUARANTINED),
        bytes=sum(row.size for row in rows if row.regular),
        entries=len(rows),
        newest=heapq.nlargest(_NEWEST, rows, key=lambda row: (row.mtime_ns, row.path)),
    )
    digest = hashlib.sha256()
    for row in sorted(rows, key=lambda row: (row.root_id, row.path)):
        digest.update(f"{row.root_id} {row.path.hex()} {row.indexed}\n".encode())
    holding.digest = digest.hexdigest()
    return holding
