"""Whether a home is in order: one implementation for the command, the server and Dagster."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from beast_assets.core.settings import Settings

from . import configuration, index, ledger, model, places, roots, writer
from .parallel import hanging, run_probes
from .records import DEGRADED, FAIL, HEALTHY, OK, UNHEALTHY, WARN, Check, Finding, Health
from .subject import Probe, Subject

if TYPE_CHECKING:
    from beast_assets.core.search import IndexHandle

__all__ = [
    "DEGRADED",
    "FAIL",
    "HEALTHY",
    "OK",
    "PROBES",
    "UNHEALTHY",
    "WARN",
    "Check",
    "Finding",
    "Health",
    "Probe",
    "Subject",
    "check_health",
    "examine",
    "hanging",
    "load_libraries",
]

TIMEOUT_S: Final = 10.0

#: Questions to any home. A model or a backend may be slow and yet sound, so late is no failure.
PROBES: Final = (
    Probe("home", "Is the home there, and closed to others?", places.home),
    Probe("configuration", "Is every name that is set read?", configuration.configuration),
    Probe("roots", "Can the indexed folders be read?", roots.roots),
    Probe("disk", "Is there room on the disk?", places.disk),
    Probe("memory", "Is there memory?", places.memory),
    Probe("ledger", "Is the ledger's database whole?", ledger.ledger),
    Probe("index", "Does the index open, with the ledger's number of rows?", index.index),
    Probe("search_indices", "Do the full-text and vector indices answer?", index.search_indices),
    Probe("recipe", "Was the index built with today's settings?", model.recipe),
    Probe("model_files", "Are the model's files what they must be?", model.model_files, WARN),
    Probe("backend", "What computes the vectors?", model.backend, WARN),
    Probe("embedding", "Does the model give the right vector?", model.embedding, WARN),
    Probe("writer", "Does a writer hold the lock, or did one die?", writer.writer),
    Probe("quarantine", "Can the files be read?", ledger.quarantine),
    Probe("held_back", "Are files kept in the index that are gone?", ledger.held_back),
    Probe("last_scan", "Were all folders looked over lately?", ledger.last_scan),
)


def load_libraries() -> None:
    """Import what the probes of the index need, so that it does not count as the index's slowness.

    Imports take seconds on a busy machine, and all threads wait for them alike. A library that
    cannot be imported is for the probe to tell.
    """
    with suppress(ImportError):
        import lancedb  # noqa: F401


def check_health(
    settings: Settings,
    *,
    handle: "IndexHandle | None" = None,
    extra: Sequence[Probe] = (),
    timeout_s: float = TIMEOUT_S,
) -> Health:
    """Ask a home everything at once; nothing is written, and nothing is raised.

    Args:
        settings: of the home, which need not exist.
        handle: an open index: its model is asked, instead of another that would be loaded first.
        extra: more probes, such as those of ``defs.health``.
        timeout_s: seconds until a probe that has not answered is reported as late.
    """
    return examine([*PROBES, *extra], settings, handle=handle, timeout_s=timeout_s)


def examine(
    probes: Sequence[Probe],
    settings: Settings,
    *,
    handle: "IndexHandle | None" = None,
    timeout_s: float = TIMEOUT_S,
) -> Health:
    """As ``check_health``, with these probes only."""
    subject = Subject(settings, handle, timeout_s)
    return Health(tuple(run_probes(probes, subject, timeout_s)))
