"""From changed files to rows of the index: read, cut, embed what is new, write, publish.

Order of writes, each step harmless if the process dies after it: hashes (ledger, observed half),
vectors (cache, a batch at a time), new rows, deletion of the rows they replace (index, versions
that nobody reads), the one transaction that publishes (ledger), the index's fingerprint (ledger).
"""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import perf_counter

from beast_assets.core import ids, progress
from beast_assets.core import ledger_rows as ledgers
from beast_assets.core.ann import facts as plan_facts
from beast_assets.core.ann import keep, plan_of
from beast_assets.core.cache import EmbeddingCache
from beast_assets.core.detail import Detail
from beast_assets.core.disk import require_reserve
from beast_assets.core.embedding.kept import run_embedder
from beast_assets.core.files import RootHandle, open_root
from beast_assets.core.golden.gate import judge
from beast_assets.core.golden.held import Verdict, facts, hold, record_ranks
from beast_assets.core.golden.moves import Moves, keep_up, moves_of
from beast_assets.core.home import cache_url
from beast_assets.core.index import ChunkIndex, Row, drop_tables, next_table, rows_digest
from beast_assets.core.ledger_rows import Indexed, Observed, Publication, Published
from beast_assets.core.planning import REMOVED, Change
from beast_assets.core.reading import Content, read_content
from beast_assets.core.records import Chunk
from beast_assets.core.repair import settle
from beast_assets.core.report import Work
from beast_assets.core.session import Session
from beast_assets.core.text import Sandbox
from beast_assets.core.vectors import CachedEmbedder

_ROWS_AT_ONCE = 1_024
_FILES_AT_ONCE = 1_000


@dataclass(frozen=True)
class Ingested:
    """What was done, by bucket, the version that readers see now, and what was held against it."""

    work: dict[str, Work]
    version: int
    verdict: Verdict | None = None
    details: dict[str, Detail] = field(default_factory=dict)


@dataclass
class Ingest:
    """The writing half of a run, under the session's lock.

    Attributes:
        work: what was done, by bucket.
        verdict: what the golden queries said, if they were asked.
        details: how it went, by bucket.
    """

    session: Session
    rebuild: bool
    embedding: CachedEmbedder
    sandbox: Sandbox
    work: dict[str, Work]
    publication: Publication
    verdict: Verdict | None = None
    details: dict[str, Detail] = field(default_factory=lambda: defaultdict(Detail))
    _index: ChunkIndex | None = None
    _table: str = ""
    _rows: list[Row] = field(default_factory=list)
    _observed: list[Observed] = field(default_factory=list)
    _replaced: list[str] = field(default_factory=list)

    def remove(self, change: Change) -> None:
        """Take a removed file's rows out."""
        work = self.work[self._bucket(change.file_id)]
        work.removed += int(change.row is not None and change.row.regular)
        self._replace(change)
        self.publication.removed.append(change.file_id)

    def take(self, root: RootHandle, change: Change) -> None:
        """Bring an added or changed file's rows up to date."""
        began = perf_counter()
        content = read_content(
            root.fd,
            change,
            self.session.settings,
            self.embedding.embedder.fits,
            self.session.lock.since_ns,
            self.sandbox,
        )
        if content is None:
            return
        cutting = perf_counter() - began - content.hash_seconds
        detail = self.details[self._bucket(change.file_id)]
        detail.read(change.path, content.bytes_hashed, content.hash_seconds, cutting)
        work = self.work[self._bucket(change.file_id)]
        if content.observed.regular:
            setattr(work, change.kind, getattr(work, change.kind) + 1)
        elif change.row is not None and change.row.regular and change.row.indexed is not None:
            work.removed += 1  # a link or a socket took the file's place
        work.bytes_hashed += content.bytes_hashed
        self._replace(change)
        self._keep(change, content)

    def _replace(self, change: Change) -> None:
        if change.row is not None and change.row.chunks:
            self._replaced.append(change.file_id)

    def _keep(self, change: Change, content: Content) -> None:
        rows = [row_of(change, content.key, chunk) for chunk in content.chunks]
        self.details[self._bucket(change.file_id)].cut(rows)
        status, reason = ledgers.INDEXED, None
        if content.skip is not None:
            reason = content.skip.reason
            status = ledgers.QUARANTINED if content.skip.quarantined else ledgers.SKIPPED
        self.publication.indexed.append(
            Indexed(
                change.file_id,
                content.key,
                status,
                reason,
                content.extractor,
                len(rows),
                rows_digest(row.chunk_id for row in rows) if rows else None,
            )
        )
        self._observed.append(content.observed)
        self._rows += rows
        while len(self._rows) >= _ROWS_AT_ONCE:
            self._write(self._rows[:_ROWS_AT_ONCE])
            del self._rows[:_ROWS_AT_ONCE]
        if len(self._observed) >= _FILES_AT_ONCE:
            self._flush_observed()

    def _flush_observed(self) -> None:
        self.session.ledger.observe(self._observed)
        self._observed.clear()

    def _write(self, rows: Sequence[Row]) -> None:
        import numpy as np

        require_reserve(self.session.settings)
        truncated, began = self.embedding.tokens_truncated, perf_counter()
        vectors, fresh = self.embedding.vectors({row.text_sha256: row.text for row in rows})
        seconds, new = perf_counter() - began, len(fresh)
        for row in rows:
            work = self.work[self._bucket(row.file_id)]
            work.chunks_written += 1
            work.embedded += row.text_sha256 in fresh
            work.reused += row.text_sha256 not in fresh
            if row.text_sha256 in fresh:
                self.details[self._bucket(row.file_id)].embed_seconds += seconds / new
            fresh.discard(row.text_sha256)
        first = self.work[self._bucket(rows[0].file_id)]
        first.tokens_truncated += self.embedding.tokens_truncated - truncated
        self._writer().add(rows, np.stack([vectors[row.text_sha256] for row in rows]))

    def _writer(self) -> ChunkIndex:
        if self._index is None:
            uri, published = self.session.settings.index_uri, self.session.ledger.published()
            if published is None or self.rebuild:
                before = published.table if published else None
                self._table = next_table(self.session.ledger.index_name(), before)
                dimension = self.embedding.embedder.dimension
                self._index = ChunkIndex.create(uri, self._table, dimension)
            else:
                self._table = published.table
                self._index = ChunkIndex.open(uri, self._table)
                self._index.begin(published.version)
                if self.session.dirty:  # who damaged the rows may have damaged their indices
                    self._index.mend_indices()
        return self._index

    def publish(self) -> int:
        """Make all of it visible at once and give the version that readers see then.

        If the golden queries find less in it than in the published version, that one stays.
        """
        ledger = self.session.ledger
        before, moves = ledger.published(), self._moves()
        if self._rows:
            self._write(self._rows)
        self._flush_observed()
        stale = sorted({*self._replaced, *self.session.dirty})
        if stale or before is None or self.rebuild:
            self._writer().delete_older([] if self.rebuild else stale)
            self.publication.deleted_rows = bool(stale)
        if self._index is not None:
            self._index.finish()
            plan = keep(self._index, self._table, plan_of(ledger, before))
            self.publication.facts = plan_facts(plan)
            self.publication.published = Published(self._table, self._index.version)
            if not self._passes(moves) and before is not None:
                return before.version
        elif not self.publication.indexed and not self.publication.removed:
            return self.publication.published.version
        ledger.publish(self.publication)
        settle(ledger, self.session.settings.index_uri)
        keep_up(self.session.settings.home, moves)
        return self.publication.published.version

    def _moves(self) -> Moves:
        changes = self.session.changes_in(list(self.work))
        return moves_of(changes, self.publication.indexed, self.session.observation.roots)

    def _passes(self, moves: Moves) -> bool:
        """Ask the golden queries of the finished version; True where it may be published."""
        session, new = self.session, self.publication.published
        command = "beast publish --rebuild" if self.rebuild else "beast publish"
        if session.request.accept_drop or session.ledger.published() is None:
            command = ""
        judged = judge(session.settings, session.ledger, session.recipe, new, moves, command)
        self.verdict = judged.verdict
        if judged.verdict is None or not judged.verdict.held_back:
            self.publication.facts |= facts(judged.after)
            return True
        record_ranks(session.ledger, judged.before)
        self._hold_back(judged.verdict)
        return False

    def _hold_back(self, verdict: Verdict) -> None:
        session = self.session
        if self.rebuild:
            drop_tables(session.settings.index_uri, [self._table])
        hold(session.ledger, session.digest_of(list(self.work), rebuild=self.rebuild), verdict)
        for work in self.work.values():  # nothing of it is in the index
            work.added = work.changed = work.removed = work.chunks_written = 0
        # The next look need not compare all rows; what was damaged before it has to find again.
        if not session.dirty:
            settle(session.ledger, session.settings.index_uri)

    def _bucket(self, file_id: str) -> str:
        return ids.bucket_of(file_id, self.session.bucket_count)


@dataclass
class _OpenRoots:
    """Descriptors of roots, opened when they are first needed."""

    stack: ExitStack
    paths: dict[str, bytes]
    handles: dict[str, RootHandle | None] = field(default_factory=dict)

    def get(self, root_id: str) -> RootHandle | None:
        """An open root; None for one that went away since it was scanned: its files can wait."""
        if root_id not in self.handles:
            try:
                handle = self.stack.enter_context(open_root(self.paths[root_id]))
            except OSError:
                handle = None
            self.handles[root_id] = handle
        return self.handles[root_id]


def ingest(session: Session, buckets: Sequence[str], *, rebuild: bool) -> "Ingested":
    """Bring the rows of these buckets up to date and publish them.

    Args:
        session: holds the lock and the plan.
        buckets: only their changes are taken.
        rebuild: into a new table, which takes the old one's place when it is complete.
    """
    settings, ledger = session.settings, session.ledger
    embedder = run_embedder(settings.model, threads=settings.threads, backend=settings.backend)
    cache = EmbeddingCache(cache_url(settings), embedder.fingerprint)
    changes = session.changes_in(buckets)
    roots = {root.root_id: root.path for root in session.observation.roots}
    with ExitStack() as stack:
        ingest = Ingest(
            session,
            rebuild,
            CachedEmbedder(embedder, cache, settings.embed_batch),
            stack.enter_context(Sandbox()),
            {bucket: Work() for bucket in buckets},
            Publication(
                ledger.published() or Published("", 0),
                session.recipe,
                model=settings.model,
                rebuilt=rebuild,
            ),
        )
        handles = _OpenRoots(stack, roots)
        for done, change in enumerate(changes, 1):
            if change.kind == REMOVED:
                ingest.remove(change)
            elif (handle := handles.get(change.root_id)) is not None:
                ingest.take(handle, change)
            progress.tell("index", done, len(changes))
        version = ingest.publish()
    return Ingested(ingest.work, version, ingest.verdict, ingest.details)


def row_of(change: Change, content: str, chunk: Chunk) -> Row:
    """The row of a file's chunk; ``content`` is the file's as the ledger keeps it."""
    text_sha256 = ids.text_sha256(chunk.text)
    return Row(
        ids.chunk_id(change.file_id, content, chunk.char_start, chunk.char_end, text_sha256),
        change.file_id,
        change.root_id,
        change.path,
        content,
        text_sha256,
        chunk.char_start,
        chunk.char_end,
        chunk.line_start,
        chunk.line_end,
        chunk.place,
        chunk.text,
    )
