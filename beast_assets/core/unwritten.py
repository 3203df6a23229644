"""A ledger that is looked at and never written: what a run would see, without the run."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from beast_assets.core import ids, ledger_tables
from beast_assets.core.database import engine_for
from beast_assets.core.errors import NoIndexError
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import FileRow, Observed, Root
from beast_assets.core.observe import Observation, Trust, observe
from beast_assets.core.roots import new_roots
from beast_assets.core.session import own_folders, recorded_bucket_count
from beast_assets.core.settings import Settings
from beast_assets.core.snapshot import Snapshot

# No hash is as young as this: only settled ones are believed.
_NEVER = 2**63


class UnwrittenLedger(Ledger):
    """What is recorded, with folders that might be added; what a scan learns is dropped.

    Attributes:
        more: the folders that might be added, absolute.
        lost: show every file as one that the index does not hold.
    """

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine)
        self.more: list[bytes] = []
        self.lost = False

    @classmethod
    def of(cls, settings: Settings, paths: Iterable[bytes] = ()) -> "UnwrittenLedger":
        """The home's ledger, or an empty one in memory where there is no home yet.

        Args:
            settings: of the home.
            paths: folders that might be added.

        Raises:
            RecipeMismatchError: another version of beast_assets laid the ledger out.
            UsageError: a folder of ``paths`` belongs to the home.
        """
        try:
            Ledger.open_existing(settings.ledger_url)
            ledger = cls(engine_for(settings.ledger_url))
        except NoIndexError:
            ledger = cls(sa.create_engine("sqlite://", poolclass=sa.StaticPool))
            ledger_tables.metadata.create_all(ledger._engine)
        known = [root.path for root in ledger.roots()]
        ledger.more = new_roots(known, [*settings.roots, *paths], settings.home)
        return ledger

    def roots(self) -> list[Root]:
        """The folders that are indexed and those that might be, by path."""
        more = [Root(ids.root_id(path), path) for path in self.more]
        return sorted([*super().roots(), *more], key=lambda root: root.path)

    def snapshot(self) -> bytes | None:
        """What was kept, if it is to be believed and this ledger has a place for it."""
        current = self.meta("schema_version") == ledger_tables.SCHEMA_VERSION
        return super().snapshot() if current and not self.lost else None

    def quiet(self) -> dict[str, Snapshot]:
        """Nothing, if the index is lost."""
        return {} if self.lost else super().quiet()

    def loud(self) -> list[FileRow]:
        """All rows, if the index is lost."""
        if not self.lost:
            return super().loud()
        return [row._replace(indexed=None, chunks=0) for row in self.files()]

    def set_meta(self, key: str, value: str) -> None:
        """Write nothing."""

    def observe(self, observed: Iterable[Observed]) -> None:
        """Write nothing."""

    def forget(self, file_ids: Sequence[str]) -> None:
        """Write nothing."""

    def keep_snapshot(self, data: bytes) -> None:
        """Write nothing."""


def look_ahead(ledger: UnwrittenLedger, settings: Settings) -> Observation:
    """Compare disk and ledger as a run does when it begins, without a lock and without hashing.

    Files that have to be hashed to tell are in ``unhashed``; those of them whose times differ are
    among the changes, too.
    """
    trust = Trust(_NEVER, hash_budget=-1)
    return observe(ledger, own_folders(settings), recorded_bucket_count(settings), trust)
