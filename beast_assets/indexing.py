"""``beast index``: look first, and start a Dagster run only where there is something to do."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from beast_assets.core.errors import BeastError, UsageError
from beast_assets.core.findings import Difference, Findings
from beast_assets.core.golden.held import ScoreDroppedError
from beast_assets.core.mend import verify_and_repair
from beast_assets.core.pipeline import held_report, observed_report
from beast_assets.core.sampling import Sample
from beast_assets.core.session import Request, Session, open_session, run_mending
from beast_assets.core.settings import Settings

# A sensor's look holds the lock for a moment; whoever holds it for longer is a run.
_PATIENCE_S = 5.0


class NoFolderError(UsageError):
    """No folder is registered, so there is nothing to look at."""


class RunFailedError(BeastError):
    """There was something to do, and the run that was to do it failed."""


def index_now(
    settings: Settings,
    roots: Sequence[bytes] = (),
    *,
    rehash: bool = False,
    rebuild: bool = False,
    allow_mass_delete: bool = False,
    accept_drop: bool = False,
) -> dict[str, Any]:
    """Bring the index up to date in this process.

    With nothing to do, no run is started and Dagster, LanceDB and the model are not imported.

    Args:
        settings: where everything lies.
        roots: folders to add to those that are registered.
        rehash: take no recorded hash on trust.
        rebuild: write the whole index anew with today's recipe.
        allow_mass_delete: let a root lose all or most of its files.
        accept_drop: publish even if the golden queries find less.

    Returns:
        The counts of ``Report.to_dict`` with ``run_ids`` and the ``seconds`` of all of it.

    Raises:
        LockedError: another run is under way.
        RecipeMismatchError: the index was built with another recipe.
        NoFolderError: no folder is registered.
        HeldBackError: a rebuild would lose the files of a root that is away.
        RunFailedError: the run failed.
    """
    request = Request(
        rehash=rehash,
        rebuild=rebuild,
        allow_mass_delete=allow_mass_delete,
        accept_drop=accept_drop,
    )
    return run_mending(lambda: _index_now(settings, roots, request))


def _index_now(settings: Settings, roots: Sequence[bytes], request: Request) -> dict[str, Any]:
    began = time.monotonic()
    wanted = replace(settings, roots=(*settings.roots, *roots))
    with open_session(
        wanted, request, timeout_s=_PATIENCE_S, clear_up=_clear_up(settings)
    ) as session:
        if not session.ledger.roots() and not session.changed_buckets():
            raise NoFolderError("no folder to index: name one, as in `beast index DIR`")
        counts = _run_if_needed(session, settings, request)
        looked = session.observation.bytes_hashed
        counts["bytes_hashed"] += sum(looked[key] for key in looked.keys() - counts["buckets"])
    counts["seconds"] = round(time.monotonic() - began, 3)
    return counts


def _run_if_needed(session: Session, settings: Settings, request: Request) -> dict[str, Any]:
    try:
        buckets = session.choose(request)
    except ScoreDroppedError as error:
        return {**held_report(session, error.verdict).to_dict(), "run_ids": []}
    if not buckets:
        return {**observed_report(session).to_dict(), "run_ids": []}
    return _run(session, settings, buckets, request)


def repair_now(
    settings: Settings, sample: Sample | None, seed: int
) -> tuple[Findings, list[Difference]]:
    """Verify the home and have a run write anew what is wrong (see ``verify_and_repair``)."""
    return verify_and_repair(
        settings, sample, seed, lambda: index_now(settings), timeout_s=_PATIENCE_S
    )


def _run(
    session: Session, settings: Settings, buckets: Sequence[str], request: Request
) -> dict[str, Any]:
    from beast_assets.defs.launch import index_in_process

    launched = index_in_process(
        settings,
        buckets,
        rehash=request.rehash,
        rebuild=request.rebuild,
        allow_mass_delete=request.allow_mass_delete,
        accept_drop=request.accept_drop,
    )
    if launched.error is not None:
        raise RunFailedError(f"run {launched.run_id} failed: {launched.error}")
    report = session.ledger.run_report(launched.run_id)
    if report is None:
        raise RunFailedError(f"run {launched.run_id} left no report: run `beast index` again")
    return {**report, "run_ids": [launched.run_id]}


def _clear_up(settings: Settings) -> Callable[[], None]:
    def clear_up() -> None:
        from beast_assets.defs.launch import home_instance
        from beast_assets.defs.runs import clear_dead_runs

        with home_instance(settings) as instance:
            clear_dead_runs(instance)

    return clear_up
