"""The sensor that carries changes of files into the index.

It is level-triggered: each tick compares the whole disk with the index, so nothing is lost with a
cursor, a missed tick or a failed run, and an edit that is undone is an edit.
"""

import hashlib

import dagster as dg

from beast_assets.core.errors import BeastError, LockedError, NoIndexError
from beast_assets.core.ledger import Ledger
from beast_assets.core.session import Request, Session, open_session
from beast_assets.core.settings import Settings
from beast_assets.defs.jobs import index_changed, range_tags
from beast_assets.defs.names import DIGEST_TAG
from beast_assets.defs.resources import SettingsResource
from beast_assets.defs.runs import IN_FLIGHT, clear_dead_runs, is_ours

MAX_ATTEMPTS = 3
# A tick has 60 s. What would take longer to read is left to the run, which may find it unchanged.
_HASH_BUDGET = 256 * 2**20

_QUEUED_TOO = [*IN_FLIGHT, dg.DagsterRunStatus.QUEUED]
_FINISHED = [
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
]


def build_files_changed_sensor(settings: Settings) -> dg.SensorDefinition:
    """The sensor ``files_changed``, at the interval of the settings."""

    @dg.sensor(
        name="files_changed",
        job=index_changed,
        minimum_interval_seconds=settings.sensor_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def files_changed(
        context: dg.SensorEvaluationContext, settings: SettingsResource
    ) -> dg.RunRequest | dg.SkipReason:
        """Compare all roots with the index and ask for one run over the changed partitions."""
        clear_dead_runs(context.instance)
        if _under_way(context.instance):
            return dg.SkipReason("an indexing run is under way")
        return _tick(context.instance, settings.get())

    return files_changed


def _under_way(instance: dg.DagsterInstance) -> bool:
    return any(is_ours(run) for run in instance.get_runs(dg.RunsFilter(statuses=_QUEUED_TOO)))


def _tick(instance: dg.DagsterInstance, settings: Settings) -> dg.RunRequest | dg.SkipReason:
    if not settings.roots and not _has_roots(settings):
        return dg.SkipReason("no folder is indexed yet: run `beast index DIR`")
    try:
        with open_session(
            settings,
            Request(),
            hash_budget=_HASH_BUDGET,
            clear_up=lambda: clear_dead_runs(instance),
        ) as session:
            return _request(instance, session)
    except LockedError:
        return dg.SkipReason("an indexing run is under way")
    except BeastError as error:
        return dg.SkipReason(str(error))


def _has_roots(settings: Settings) -> bool:
    try:
        return bool(Ledger.open_existing(settings.ledger_url).roots())
    except NoIndexError:
        return False


def _request(instance: dg.DagsterInstance, session: Session) -> dg.RunRequest | dg.SkipReason:
    buckets = session.changed_buckets()
    if not buckets:
        seen = session.observation
        away = [*seen.unavailable, *session.held_back]
        return dg.SkipReason("; ".join([f"{seen.scanned} files, no change", *away]))
    digest = changes_digest(session)
    # Whatever their end, they left these changes undone: a run may succeed and find a root away.
    attempts = instance.get_runs_count(dg.RunsFilter(tags={DIGEST_TAG: digest}, statuses=_FINISHED))
    if attempts >= MAX_ATTEMPTS:
        return dg.SkipReason(
            f"gave up after {attempts} runs for the same changes in {', '.join(buckets)}: "
            "see the last run's log, then run `beast index` or change a file"
        )
    session.choose(session.request)  # what a run would refuse is not asked for
    return dg.RunRequest(
        run_key=f"{digest}:{attempts}",
        tags={DIGEST_TAG: digest, **range_tags(buckets[0], buckets[-1])},
    )


def changes_digest(session: Session) -> str:
    """What a run would do, in one word: from which version of the index to which state of the disk.

    The version makes the edit A→B→A two different digests: a run key is remembered for ever.
    """
    digest = hashlib.sha256()
    digest.update(f"{session.ledger.meta('published_ns')}\n".encode())
    for change in session.observation.changes:
        stat = change.stat
        digest.update(f"{change.kind} {change.file_id} {change.problem} ".encode())
        digest.update(f"{stat.size} {stat.mtime_ns} {stat.ctime_ns} {stat.inode}\n".encode())
    for name in sorted(session.dirty):
        digest.update(f"dirty {name}\n".encode())
    return digest.hexdigest()[:32]
