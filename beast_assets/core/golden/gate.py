"""A version that answers the golden queries worse than the published one is not published."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from beast_assets.core.errors import IndexDamagedError
from beast_assets.core.golden.held import Verdict, recorded_ranks
from beast_assets.core.golden.moves import Moves, follow
from beast_assets.core.golden.queries import GoldenQuery, load
from beast_assets.core.golden.scoring import DEPTH, mean_reciprocal, ranks, share_found
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import Published
from beast_assets.core.search.encoder import QueryEncoder
from beast_assets.core.search.searcher import Searcher
from beast_assets.core.settings import Settings

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Judged:
    """A verdict and the ranks behind it, by the key of their query; 0 is not found.

    Attributes:
        verdict: None where there are no golden queries.
        after: in the new version.
        before: in the published version, as far as they are known.
    """

    verdict: Verdict | None = None
    after: Mapping[str, int] = field(default_factory=dict)
    before: Mapping[str, int] = field(default_factory=dict)


def judge(
    settings: Settings,
    ledger: Ledger,
    recipe: Mapping[str, str],
    new: Published,
    moves: Moves,
    command: str = "",
) -> Judged:
    """Ask the golden queries of a finished version that is not published yet.

    Args:
        settings: of the home.
        ledger: the writer lock is held.
        recipe: what the new version is built with.
        new: the version.
        moves: what left the index with it.
        command: what lets it through; empty where it is let through in any case.

    Raises:
        ModelError: the model is absent, altered or unusable.
        IndexDamagedError: the new version cannot be read.
    """
    pairs = [(query, follow(query, moves)) for query in load(settings.home)]
    kept = [(old, now) for old, now in pairs if now is not None]
    if not kept:
        return Judged()
    encoder = QueryEncoder(settings)
    searcher = Searcher(settings, encoder=encoder, ledger=ledger, at=new)
    after = ranks(searcher, [now for _, now in kept])
    # Of a version that is lost nothing is known: whatever takes its place is better.
    known = recorded_ranks(ledger) if ledger.published() is not None else {}
    young = [old for old, _ in kept if old.key not in known]
    asked = _ask_published(settings, ledger, recipe, young, encoder) if young else {}
    before = known | asked
    both = [(before[old.key], after[now.key]) for old, now in kept if old.key in before]
    failing = tuple(now.label for _, now in kept if not after[now.key])
    verdict = _weigh(settings, list(after.values()), both, command)
    counted = replace(verdict, failing=failing, evaluated=len(after) + len(asked))
    return Judged(counted, after, before)


def _weigh(
    settings: Settings, after: list[int], both: list[tuple[int, int]], command: str
) -> Verdict:
    """The verdict on ranks after, and on the pairs of ranks before and after."""
    before = share_found([was for was, _ in both]) if both else None
    now = share_found([is_now for _, is_now in both]) if both else 0.0
    dropped = before is not None and before - now > settings.golden_drop + _ROUNDING
    reason = _reason(before or 0.0, now, settings, command) if dropped and command else ""
    return Verdict(len(after), share_found(after), mean_reciprocal(after), before, reason)


def _ask_published(
    settings: Settings,
    ledger: Ledger,
    recipe: Mapping[str, str],
    queries: list[GoldenQuery],
    encoder: QueryEncoder,
) -> dict[str, int]:
    """Ranks of queries that are younger than the published version, if it can be asked at all."""
    published, built = ledger.published(), ledger.recipe() or {}
    if published is None or built.get("model") != recipe.get("model"):
        return {}
    try:
        return ranks(Searcher(settings, encoder=encoder, ledger=ledger, at=published), queries)
    except IndexDamagedError:  # it is what this run replaces
        return {}


def _reason(before: float, now: float, settings: Settings, command: str) -> str:
    return (
        f"{now:.0%} of the golden queries would find their file among the first {DEPTH}, "
        f"{before:.0%} do now, and a drop of more than {settings.golden_drop:.0%} "
        "(BEAST_GOLDEN_DROP) is not published: put the files back or change the queries "
        f"(`beast golden list`); if it is meant, run `{command}`"
    )
