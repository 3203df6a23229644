"""From changed files to rows of the index: read, cut, embed what is new, write, publish.

Order of writes, each step harmless if the process dies after it: hashes (ledger, observed half),
vectors (cache, a batch at a time), new rows, deletion of the rows they replace (index, versions
that nobody reads), the one transaction that publishes (ledger), the index's fingerprint (ledger).
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from beast_assets.core import ids, progress
from beast_assets.core import ledger_rows as ledgers
from beast_assets.core.ann import facts, keep, plan_of
from beast_assets.core.cache import EmbeddingCache
from beast_assets.core.disk import require_reserve
from beast_assets.core.embedding import load_embedder
from beast_assets.core.files import RootHandle, open_root
from beast_assets.core.home import cache_url
from beast_assets.core.index import ChunkIndex, Row, next_table, rows_digest
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
    """What was done, by bucket, and the version of the index that readers see now."""

    work: dict[str, Work]
    version: int


@dataclass
class Ingest:
    """The writing half of a run, under the session's lock.

    Attributes:
        work: what was done, by bucket.
    """

    session: Session
    rebuild: bool
    embedding: CachedEmbedder
    sandbox: Sandbox
    work: dict[str, Work]
    publication: Publication
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
        truncated = self.embedding.tokens_truncated
        vectors, fresh = self.embedding.vectors({row.text_sha256: row.text for row in rows})
        for row in rows:
            work = self.work[self._bucket(row.file_id)]
            work.chunks_written += 1
            work.embedded += row.text_sha256 in fresh
            work.reused += row.text_sha256 not in fresh
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
        """Make all of it visible at once and give the version that readers see then."""
        ledger = self.session.ledger
        if self._rows:
            self._write(self._rows)
        self._flush_observed()
        stale = sorted({*self._replaced, *self.session.dirty})
        if stale or ledger.published() is None or self.rebuild:
            self._writer().delete_older([] if self.rebuild else stale)
            self.publication.deleted_rows = bool(stale)
        if self._index is not None:
            self._index.finish()
            plan = keep(self._index, self._table, plan_of(ledger, ledger.published()))
            self.publication.facts = facts(plan)
            self.publication.published = Published(self._table, self._index.version)
        elif not self.publication.indexed and not self.publication.removed:
            return self.publication.published.version
        ledger.publish(self.publication)
        settle(ledger, self.session.settings.index_uri)
        return self.publication.published.version

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
    embedder = load_embedder(settings.model, threads=settings.threads, backend=settings.backend)
    cache = EmbeddingCache(cache_url(settings), embedder.fingerprint)
    changes = [change for bucket in buckets for change in session.plan.changes.get(bucket, ())]
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
    return Ingested(ingest.work, version)


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
