"""What ``verify`` finds, as a few questions about the data, each with the buckets that fail it.

The home around the data (does the index open, is it of today's recipe, was all of it looked over
lately) is ``core.health``'s to examine.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from beast_assets.core import ids
from beast_assets.core.errors import NoIndexError, RecipeMismatchError
from beast_assets.core.findings import KINDS, Difference, Findings
from beast_assets.core.ledger import Ledger
from beast_assets.core.sampling import Sample
from beast_assets.core.settings import Settings
from beast_assets.core.verify import verify

_SHOWN: Final = 10
#: Kinds that are told by the checks of the home's health; those of ``BLIND`` leave nothing to see.
OF_HEALTH: Final = frozenset({"full_text", "vector_index"})
BLIND: Final = frozenset({"database", "unreadable"})


class DataCheck(NamedTuple):
    """One question about the data.

    Attributes:
        name: one word.
        asset: what it is asked of.
        description: the question.
        kinds: the differences that are a no.
        sampled: whether files are read, cut and embedded again for it.
    """

    name: str
    asset: str
    description: str
    kinds: frozenset[str]
    sampled: bool = False


CHECKS: Final = (
    DataCheck(
        "contents",
        "file_hashes",
        "Are the bytes of files whose times did not change still those that were hashed?",
        frozenset({"content"}),
        sampled=True,
    ),
    DataCheck(
        "rows",
        "chunks",
        "Does the index hold the rows that the ledger says, no more, no less and no others?",
        frozenset({"ledger", "missing_rows", "extra_rows", "digest", "inconsistent"}),
    ),
    DataCheck(
        "one_row_each",
        "chunks",
        "Is there no row twice, and none whose file is not in the ledger?",
        frozenset({"orphan", "duplicate"}),
    ),
    DataCheck(
        "texts",
        "chunks",
        "Does each row show the text that stands in its file, at the place that it says?",
        frozenset({"text", "offsets"}),
        sampled=True,
    ),
    DataCheck(
        "coverage",
        "chunks",
        "Does every character, white space aside, lie in a chunk?",
        frozenset({"uncovered"}),
        sampled=True,
    ),
    DataCheck(
        "truncation",
        "chunks",
        "Is no chunk longer than what the model reads?",
        frozenset({"truncated"}),
        sampled=True,
    ),
    DataCheck(
        "vectors",
        "embeddings",
        "Are vectors finite, of length 1, and those of their texts?",
        frozenset({"vector"}),
        sampled=True,
    ),
    DataCheck(
        "cached_texts",
        "embeddings",
        "Has each text its vector in the cache, so that no repair need embed it again?",
        frozenset({"uncached"}),
    ),
    DataCheck(
        "cached_vectors",
        "embeddings",
        "Are cached vectors those of their texts?",
        frozenset({"cached_vector"}),
        sampled=True,
    ),
)


@dataclass(frozen=True)
class Outcome:
    """The answer to a question.

    Attributes:
        check: the question.
        buckets: those with files that fail it, in order.
        files: how many files do.
        differences: the first of what was found.
        problem: why the question could not be asked; None if it was.
    """

    check: DataCheck
    buckets: tuple[str, ...] = ()
    files: int = 0
    differences: tuple[Difference, ...] = ()
    problem: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the data are as they should be."""
        return self.problem is None and not self.differences

    @property
    def summary(self) -> str:
        """In a sentence; what to do, where there is something to do."""
        if self.problem is not None:
            return self.problem
        if self.passed:
            return "as it should be"
        kinds = "; ".join(sorted({KINDS[one.kind] for one in self.differences}))
        where = f" in buckets {', '.join(self.buckets)}" if self.buckets else ""
        return f"{kinds}: {self.files} files{where}; `beast verify --repair` mends it"


@dataclass(frozen=True)
class DataReport:
    """All answers of one look.

    Attributes:
        outcomes: in the order of ``CHECKS``.
        checked: how much was looked at, as ``Findings.checked``.
        seed: which sample was taken.
    """

    outcomes: tuple[Outcome, ...]
    checked: dict[str, int] = field(default_factory=dict)
    seed: int = 0


def check_data(
    settings: Settings, sample: Sample | None, seed: int, checks: Sequence[DataCheck] = CHECKS
) -> DataReport:
    """Look the data over; nothing is written.

    Args:
        settings: of the home.
        sample: files to be read, cut and embedded again; None leaves out what needs them.
        seed: chooses the sample.
        checks: the questions.

    Raises:
        LockedError: the index was published anew each time.
        BeastError: there is a ledger that cannot be used.
    """
    asked = [check for check in checks if sample is not None or not check.sampled]
    try:
        found = verify(settings, sample if any(check.sampled for check in asked) else None, seed)
    except NoIndexError:
        return DataReport(tuple(map(Outcome, asked)), {}, seed)
    except RecipeMismatchError as error:
        return _without_sample(settings, asked, seed, f"not looked at: {error}")
    width = _bucket_count(settings, found)
    outcomes = tuple(_outcome(check, found, width) for check in asked)
    return DataReport(outcomes, dict(found.checked), seed)


def _without_sample(
    settings: Settings, asked: Sequence[DataCheck], seed: int, problem: str
) -> DataReport:
    """Rows can be compared with the ledger whatever the recipe; nothing can be made again."""
    rest = check_data(settings, None, seed, asked)
    known = {outcome.check.name: outcome for outcome in rest.outcomes}
    outcomes = [known.get(check.name, Outcome(check, problem=problem)) for check in asked]
    return DataReport(tuple(outcomes), rest.checked, seed)


def _bucket_count(settings: Settings, found: Findings) -> int:
    if "ledger" in found.damaged:
        return settings.buckets
    return Ledger.open_existing(settings.ledger_url).buckets() or settings.buckets


def _outcome(check: DataCheck, found: Findings, bucket_count: int) -> Outcome:
    if blind := [one for one in found.differences if one.kind in BLIND]:
        return Outcome(check, problem=f"not looked at: {blind[0].line()}")
    differences = tuple(one for one in found.differences if one.kind in check.kinds)
    files = set().union(*(found.files_with(kind) for kind in check.kinds))
    buckets = tuple(sorted({ids.bucket_of(name, bucket_count) for name in files}))
    return Outcome(check, buckets, len(files), differences[:_SHOWN])
