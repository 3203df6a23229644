"""What the ledger keeps of the golden queries: their ranks, and what was held back.

Ranks are those in the published version, written in the transaction that publishes it. What was
held back is kept under a digest of all that it depends on, so that nothing is evaluated again
before something changes. Nothing of the index is imported here: each look at the disk comes by.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from beast_assets.core.errors import DatabaseDamagedError, HeldBackError
from beast_assets.core.golden.queries import load
from beast_assets.core.ledger import Ledger
from beast_assets.core.planning import REMOVED, Change
from beast_assets.core.settings import Settings

_RANKS, _HELD = "golden_ranks", "golden_held"


@dataclass(frozen=True)
class Verdict:
    """What the golden queries say of a new version.

    Attributes:
        queries: how many there are.
        score: the share that finds its file among the first ten files.
        mrr: the mean of 1 / rank.
        before: the share in the published version; None where there is none to compare with.
        held_back: why the version is not published; empty where it is.
        failing: labels of the queries that do not find their file.
        evaluated: how many questions were asked to find out.
    """

    queries: int
    score: float
    mrr: float
    before: float | None
    held_back: str = ""
    failing: tuple[str, ...] = ()
    evaluated: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self) | {"failing": list(self.failing)}


class ScoreDroppedError(HeldBackError):
    """These changes were evaluated before, and held back.

    Attributes:
        verdict: what was found then, with nothing evaluated now.
    """

    def __init__(self, verdict: dict[str, Any]) -> None:
        super().__init__(str(verdict["held_back"]))
        self.verdict = verdict


def recorded_ranks(ledger: Ledger) -> dict[str, int]:
    """Ranks in the published version by the key of their query, as far as they were asked for."""
    return dict(_fact(ledger, _RANKS) or {})


def record_ranks(ledger: Ledger, found: Mapping[str, int]) -> None:
    """Add ranks in the published version; the writer lock is held."""
    known = recorded_ranks(ledger)
    together = {**known, **found}
    if together != known:
        ledger.set_meta(_RANKS, json.dumps(together))


def facts(found: Mapping[str, int]) -> dict[str, str]:
    """What the ledger keeps of a version that is published: ranks by the key of their query."""
    return {_RANKS: json.dumps(dict(found)), _HELD: ""}


def hold(ledger: Ledger, digest: str, verdict: Verdict) -> None:
    """Remember that changes of this digest were held back."""
    kept = verdict.to_dict() | {"evaluated": 0}
    ledger.set_meta(_HELD, json.dumps({"digest": digest, "verdict": kept}))


def held_verdict(ledger: Ledger) -> dict[str, Any] | None:
    """What was held back last and is not published since."""
    held = _fact(ledger, _HELD)
    return None if held is None else dict(held["verdict"])


def let_go(ledger: Ledger) -> None:
    """Forget what was held back: there is nothing of it any more."""
    if ledger.meta(_HELD):
        ledger.set_meta(_HELD, "")


def check_unheld(home: Path, ledger: Ledger, digest: Callable[[], str]) -> None:
    """See that the changes at hand were not evaluated and held back before.

    Args:
        home: of the index.
        ledger: of the same.
        digest: ``plan_digest`` of the changes; asked only where something was held back.

    Raises:
        ScoreDroppedError: they were, and nothing changed since.
        UsageError: the golden queries cannot be read.
    """
    load(home)  # before anything is done, not after all of it
    held = _fact(ledger, _HELD)
    if held and held["digest"] == digest():
        raise ScoreDroppedError(held["verdict"])


def plan_digest(
    settings: Settings,
    ledger: Ledger,
    recipe: Mapping[str, str],
    changes: Iterable[Change],
    *,
    rebuild: bool,
) -> str:
    """All that a verdict depends on, in one word: changes, golden queries, recipe, threshold."""
    wanted = list(changes)
    rows = {row.file_id: row for row in ledger.named([change.file_id for change in wanted])}
    states = []
    for change in wanted:
        row = rows.get(change.file_id)
        # By content, where it was read: a file that was only touched is the same.
        seen = row.content if row is not None and row.stat == change.stat else None
        state = "removed" if change.kind == REMOVED else change.problem or seen or change.stat
        states.append([change.file_id, state])
    keys = [query.key for query in load(settings.home)]
    parts = [sorted(states), sorted(keys), dict(recipe), settings.golden_drop, rebuild]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _fact(ledger: Ledger, key: str) -> Any:
    try:
        return json.loads(ledger.meta(key) or "null")
    except ValueError as error:
        raise DatabaseDamagedError(f"the ledger's database is damaged ({key})") from error
