"""Runs in this process, recorded in the home's own instance so that the UI shows them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from beast_assets.core.home import dagster_home
from beast_assets.core.processes import this_process
from beast_assets.core.settings import Settings
from beast_assets.defs.build import build_defs
from beast_assets.defs.history import few_syncs
from beast_assets.defs.jobs import index_config, range_tags
from beast_assets.defs.names import INDEX_CHANGED, PROCESS_TAG
from beast_assets.defs.resources import SettingsResource


@dataclass(frozen=True)
class Launched:
    """A finished run; ``error`` is why it failed, None where it succeeded."""

    run_id: str
    error: str | None


def home_instance(settings: Settings) -> dg.DagsterInstance:
    """The Dagster instance in the home; ``with`` it, so that its databases are closed."""
    return dg.DagsterInstance.from_config(str(dagster_home(settings)))


# Opening an instance takes 0.1 s of CPU: whoever has one run follow another keeps it open.
_kept: ContextVar[dict[Path, dg.DagsterInstance] | None] = ContextVar("beast_kept", default=None)


@contextmanager
def keeping_instance(settings: Settings) -> Iterator[None]:
    """Have the runs of this home meanwhile share one open Dagster instance."""
    with run_instance(settings) as instance:
        token = _kept.set({dagster_home(settings): instance})
        try:
            yield
        finally:
            _kept.reset(token)


@contextmanager
def run_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """The instance in the home, for a run in this process: the one that is kept, or a new one."""
    kept = (_kept.get() or {}).get(dagster_home(settings))
    if kept is not None:
        yield kept
        return
    with few_syncs(dagster_home(settings)), home_instance(settings) as instance:
        yield instance


def index_in_process(
    settings: Settings,
    buckets: Sequence[str],
    *,
    rehash: bool = False,
    rebuild: bool = False,
    allow_mass_delete: bool = False,
    accept_drop: bool = False,
) -> Launched:
    """Execute ``index_changed`` over these buckets, here and now.

    Args:
        settings: whose index is written and whose instance records the run.
        buckets: in order; at least one.
        rehash: see ``IndexConfig``.
        rebuild: see ``IndexConfig``.
        allow_mass_delete: see ``IndexConfig``.
        accept_drop: see ``IndexConfig``.
    """
    resource = SettingsResource(
        home=str(settings.home), model=settings.model, threads=settings.threads
    )
    defs = build_defs(settings=resource)
    config = index_config(
        rehash=rehash,
        rebuild=rebuild,
        allow_mass_delete=allow_mass_delete,
        accept_drop=accept_drop,
    )
    config["loggers"] = {"console": {"config": {"log_level": "CRITICAL"}}}
    tags = {
        PROCESS_TAG: json.dumps(this_process().to_dict()),
        **range_tags(buckets[0], buckets[-1]),
    }
    with run_instance(settings) as instance:
        result = defs.resolve_job_def(INDEX_CHANGED).execute_in_process(
            run_config=config, instance=instance, tags=tags, raise_on_error=False
        )
    return Launched(result.run_id, None if result.success else _error(result))


def _error(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure and event.step_failure_data.error is not None:
            error = event.step_failure_data.error
            return str((error.cause or error).message).strip()
    return "the run failed: see it in the Dagster UI (`beast dev`)"
