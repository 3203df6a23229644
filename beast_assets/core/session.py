"""The writer's view of a home: locked, checked, repaired where needed, and looked over.

Every indexing run begins here, however it was started; ``beast index`` and the sensor begin here,
too, to learn whether a run is needed at all. Nothing heavy is imported unless the index was touched
behind the ledger's back.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from beast_assets.core import ids
from beast_assets.core.disk import require_room
from beast_assets.core.errors import DatabaseDamagedError, HeldBackError, NoIndexError
from beast_assets.core.forget import finish_forgetting
from beast_assets.core.golden.held import check_unheld, let_go, plan_digest
from beast_assets.core.home import lock_path, prepare_home
from beast_assets.core.ledger import Ledger
from beast_assets.core.lock import Held, writer_lock
from beast_assets.core.observe import Observation, Trust, observe
from beast_assets.core.planning import Change, Plan
from beast_assets.core.private import private_files
from beast_assets.core.reading import too_large
from beast_assets.core.recipe import check_recipe, current_recipe, outdated_extractors
from beast_assets.core.repair import repair
from beast_assets.core.roots import register_roots
from beast_assets.core.salvage import check_names, salvage
from beast_assets.core.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """What a run is asked to do.

    Attributes:
        buckets: which buckets; None for all.
        only_changed: leave alone those in which nothing changed.
        rehash: take no recorded hash on trust.
        rebuild: write the whole index anew, with today's recipe.
        allow_mass_delete: take out also what a guard would hold back (``core.guards``).
        accept_drop: publish whatever the golden queries say (``core.golden``).
    """

    buckets: tuple[str, ...] | None = None
    only_changed: bool = True
    rehash: bool = False
    rebuild: bool = False
    allow_mass_delete: bool = False
    accept_drop: bool = False


@dataclass
class Session:
    """A home under the writer lock.

    Attributes:
        request: what it was looked over for.
        bucket_count: fixed when the index was made.
        recipe: what this run builds with.
        observation: what differs between disk and index.
        plan: the same, by bucket.
        dirty: files whose rows in the index are not the recorded ones.
    """

    settings: Settings
    request: Request
    lock: Held
    ledger: Ledger
    bucket_count: int
    recipe: dict[str, str]
    observation: Observation
    plan: Plan
    dirty: frozenset[str]

    def answers(self, request: Request) -> bool:
        """Whether this look serves another request as well: only the buckets may differ."""
        return replace(request, buckets=None, only_changed=True) == replace(
            self.request, buckets=None, only_changed=True
        )

    def changed_buckets(self) -> list[str]:
        """The buckets that a run has to materialize."""
        dirty = {ids.bucket_of(name, self.bucket_count) for name in self.dirty}
        return sorted(dirty.union(self.plan.buckets))

    @property
    def held_back(self) -> list[str]:
        """What a guard kept in the index, in words."""
        return [held.describe() for held in self.observation.held_back]

    def choose(self, request: Request) -> list[str]:
        """The buckets that this request leads to, in order.

        Raises:
            HeldBackError: a rebuild would lose the files of a root that cannot be read now, or
                the disk is too full for what is to be written.
            ScoreDroppedError: the golden queries held back the same changes before.
        """
        changed = self.changed_buckets()
        away = self.observation.unavailable + self.held_back
        if request.rebuild and away:
            raise HeldBackError("nothing is rebuilt while a root is away: " + "; ".join(away))
        if request.rebuild:
            self._require_room(self.plan.buckets)
            self._require_score(self.plan.buckets, request)
            return ids.bucket_keys(self.bucket_count)
        asked = changed if request.buckets is None else _known(request.buckets, self.bucket_count)
        if request.only_changed:
            asked = [bucket for bucket in asked if bucket in set(changed)]
        # A damaged or lost index is mended as a whole: its files are fingerprinted afterwards.
        mended = changed if self.dirty or self.ledger.is_lost() else []
        chosen = self.plan.closure([*asked, *mended])
        self._require_room(chosen)
        self._require_score(chosen, request)
        return chosen

    def changes_in(self, buckets: Sequence[str]) -> list[Change]:
        """The changes of these buckets."""
        return [change for bucket in buckets for change in self.plan.changes.get(bucket, ())]

    def digest_of(self, buckets: Sequence[str], *, rebuild: bool) -> str:
        """What the golden queries' verdict on these buckets depends on, in one word."""
        changes = self.changes_in(buckets)
        return plan_digest(self.settings, self.ledger, self.recipe, changes, rebuild=rebuild)

    def _require_score(self, buckets: Sequence[str], request: Request) -> None:
        if (request.rebuild or buckets) and not request.accept_drop:
            digest = partial(self.digest_of, buckets, rebuild=request.rebuild)
            check_unheld(self.settings.home, self.ledger, digest)

    def _require_room(self, buckets: Sequence[str]) -> None:
        changes = self.changes_in(buckets)
        roots = {root.root_id: root.path for root in self.observation.roots}
        if changes:
            require_room(self.settings, changes, roots)


@contextmanager
def open_session(
    settings: Settings,
    request: Request,
    *,
    timeout_s: float = 0,
    hash_budget: int | None = None,
    waiting: Callable[[str], None] | None = None,
    clear_up: Callable[[], object] | None = None,
) -> Iterator[Session]:
    """Take the writer lock and look the home over.

    Args:
        settings: where everything lies.
        request: what the run is to do.
        timeout_s: how long to wait for another writer.
        hash_budget: see ``Trust``.
        waiting: told whom the wait is for.
        clear_up: called when a writer before this one died, to end its runs in Dagster.

    Raises:
        LockedError: another writer kept the lock.
        RecipeMismatchError: the index was built with another recipe, and no rebuild is asked for.
    """
    prepare_home(settings)
    with (
        writer_lock(lock_path(settings), timeout_s=timeout_s, waiting=waiting) as lock,
        private_files(),
    ):
        if lock.unclean and clear_up is not None:
            clear_up()
            lock.mark_clean()
        # A run that `beast index` starts under its own lock need not look at the disk again.
        if isinstance(lock.look, Session) and lock.look.answers(request):
            yield lock.look
            return
        try:
            lock.look = _look(settings, request, lock, hash_budget)
        except DatabaseDamagedError as error:
            salvage(settings.ledger_url, settings.home, error)
            lock.look = _look(settings, request, lock, hash_budget)
        try:
            yield lock.look
        except DatabaseDamagedError as error:
            salvage(settings.ledger_url, settings.home, error)
            raise


def _look(settings: Settings, request: Request, lock: Held, hash_budget: int | None) -> Session:
    ledger = Ledger.open(settings.ledger_url)
    finish_forgetting(settings, ledger)
    recipe = current_recipe(settings)
    stored = ledger.recipe()
    if not request.rebuild:
        check_recipe(stored, recipe)
        ledger.outdate(outdated_extractors(stored, recipe))
    count = _fix_bucket_count(ledger, settings)
    register_roots(ledger, settings.roots, settings.home)
    dirty = repair(ledger, settings.index_uri)
    ledger.reconsider("larger than %", but=too_large(settings))
    trust = Trust(
        lock.since_ns, request.rehash, request.rebuild, hash_budget, request.allow_mass_delete
    )
    observation = observe(ledger, own_folders(settings), count, trust)
    _note_held_back(ledger, observation)
    plan = Plan.of(observation.changes, count)
    if not observation.changes and not request.rebuild:
        let_go(ledger)
    # What follows may write: not onto a ledger that is not whole.
    ledger.check(whole=bool(observation.changes or dirty))
    check_names(observation.changes)
    return Session(settings, request, lock, ledger, count, recipe, observation, plan, dirty)


def run_mending(run: Callable[[], T]) -> T:
    """Run it, and once more if damage to the ledger came to light: it is put aside by then."""
    try:
        return run()
    except DatabaseDamagedError:
        return run()


def _note_held_back(ledger: Ledger, observation: Observation) -> None:
    """Let ``beast status`` tell it, too."""
    noted = json.dumps([held.to_dict() for held in observation.held_back])
    if noted != (ledger.meta("held_back") or "[]"):
        ledger.set_meta("held_back", noted)


def own_folders(settings: Settings) -> list[Path]:
    """Folders that are never indexed: the home, and an index elsewhere."""
    index = [] if "://" in settings.index_uri else [Path(settings.index_uri)]
    return [settings.home, *index]


def recorded_bucket_count(settings: Settings) -> int:
    """How many buckets the index has, or will have if there is none yet; makes nothing."""
    try:
        recorded = Ledger.open_existing(settings.ledger_url).buckets()
    except (NoIndexError, DatabaseDamagedError):  # the next look at the disk makes another ledger
        recorded = None
    return settings.buckets if recorded is None else recorded


def _fix_bucket_count(ledger: Ledger, settings: Settings) -> int:
    count = ledger.buckets()
    if count is None:
        count = settings.buckets
        ledger.set_meta("buckets", str(count))
    return count


def _known(buckets: Sequence[str], count: int) -> list[str]:
    valid = set(ids.bucket_keys(count))
    unknown = [bucket for bucket in buckets if bucket not in valid]
    if unknown:
        raise ValueError(f"this index has {count} buckets; {unknown} are not among them")
    return list(buckets)
