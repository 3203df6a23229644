"""What a question may ask for beside its words."""

import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

from beast_assets.core.errors import UsageError

HYBRID, VECTOR, TEXT = "hybrid", "vector", "text"
MODES = (HYBRID, VECTOR, TEXT)
#: The longest question, in characters.
LONGEST_QUERY = 10_000
MOST_HITS = 1_000
MOST_NEIGHBOURS = 20
_AGO = re.compile(r"(\d{1,6})([hdwy])")
_HOURS = {"h": 1, "d": 24, "w": 24 * 7, "y": 24 * 365}


@dataclass(frozen=True)
class SearchOptions:
    """How to answer; equal options to an equal question give an equal answer.

    Every filter is applied before anything is ranked.

    Attributes:
        k: at most so many hits, 1 to 1,000.
        mode: ``hybrid``, ``vector`` (by meaning) or ``text`` (by words).
        paths: globs as in ``.gitignore``, relative to a root, or folders and files by their
            absolute path; a file that one of them matches is searched. Empty: all.
        extensions: of the files' names, such as ``md``; the dot and the case do not matter.
        roots: absolute paths of indexed folders.
        after: a file was last modified then or later: ISO 8601, or ``12h``, ``7d``, ``2w``, ``1y``
            for so long ago.
        before: the same, earlier.
        content: SHA-256 of files.
        per_file: at most so many hits of one file; 0 for any number.
        context: how many neighbours of a passage, on each side, are joined to it.
        copies: list passages that say nearly the same as a better hit, too.
        rerank: let a cross-encoder order the best candidates (``BEAST_RERANKER``).
    """

    k: int = 10
    mode: str = HYBRID
    paths: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    after: str = ""
    before: str = ""
    content: tuple[str, ...] = ()
    per_file: int = 0
    context: int = 0
    copies: bool = False
    rerank: bool = False

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            UsageError: one is not among those allowed.
        """
        for item in fields(self):
            if isinstance(item.default, tuple):
                given = getattr(self, item.name)
                several = (given,) if isinstance(given, str) else tuple(given)
                object.__setattr__(self, item.name, several)
        if self.mode not in MODES:
            raise UsageError(f"mode is {self.mode!r}: choose one of {', '.join(MODES)}")
        for name, value, least, most in (
            ("k", self.k, 1, MOST_HITS),
            ("per_file", self.per_file, 0, MOST_HITS),
            ("context", self.context, 0, MOST_NEIGHBOURS),
        ):
            if not least <= value <= most:
                raise UsageError(f"{name} is {value}: it is {least} to {most}")
        for digest in self.content:
            if not re.fullmatch(r"[0-9a-f]{64}", digest):
                raise UsageError("content is a SHA-256: 64 hex digits")
        for name in ("after", "before"):
            # An age becomes a moment, to the minute: equal options stay equal in meaning.
            object.__setattr__(self, name, _moment(getattr(self, name), name))

    @property
    def filters_files(self) -> bool:
        """Whether files are chosen by what only the ledger knows of them."""
        return bool(self.paths or self.extensions or self.after or self.before)


def checked_query(query: str) -> str:
    """A question as text that every library takes.

    Raises:
        UsageError: it is empty or too long.
    """
    if not query.strip():
        raise UsageError("the question is empty: ask in words")
    if len(query) > LONGEST_QUERY:
        raise UsageError(f"the question has {len(query)} characters: at most {LONGEST_QUERY:,}")
    return query.encode("utf-8", "replace").decode()  # what a terminal passes may be no text


def moment_ns(text: str) -> int | None:
    """Nanoseconds since the epoch of a moment as the options keep it; None for none."""
    return int(datetime.fromisoformat(text).timestamp() * 1e9) if text else None


def _moment(text: str, name: str) -> str:
    """ISO 8601 with an offset of a date, a time or an age."""
    if not text:
        return ""
    try:
        if age := _AGO.fullmatch(text):
            ago = timedelta(hours=int(age[1]) * _HOURS[age[2]])
            return (datetime.now(UTC) - ago).replace(second=0, microsecond=0).isoformat()
        return datetime.fromisoformat(text).astimezone().isoformat()
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{name} is {text!r}: write 2026-11-22, 2026-11-22T17:30 or 7d") from error
