"""One file: from the disk to its chunks, in one read.

The hash and the text come from the same bytes, so that a row never shows a content under the hash
of another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

from beast_assets.core.chunking import PART_SEPARATOR, chunk_parts
from beast_assets.core.hashing import ChangedWhileReading, hash_stable, read_stable
from beast_assets.core.ledger_rows import Observed, content_key
from beast_assets.core.observe import unreadable
from beast_assets.core.planning import Change, is_trusted
from beast_assets.core.records import Chunk, Part, Skip
from beast_assets.core.settings import Settings
from beast_assets.core.text import BY_KIND, Sandbox, extract, skip_by_name
from beast_assets.core.text.secrets import secret_in

_LINK_LIKE = frozenset({"symlink", "fifo", "socket", "device"})


@dataclass(frozen=True)
class Content:
    """What a file was found to hold.

    Attributes:
        observed: for the ledger.
        bytes_hashed: bytes read.
        skip: why there are no chunks, if so.
        extractor: what made the text, or refused to.
        chunks: its windows.
        text: what they were cut from.
        hash_seconds: what reading and hashing took.
    """

    observed: Observed
    bytes_hashed: int = 0
    skip: Skip | None = None
    extractor: str | None = None
    chunks: tuple[Chunk, ...] = ()
    text: str = ""
    hash_seconds: float = 0.0

    @property
    def key(self) -> str:
        """The content in one word, as the ledger keeps it."""
        return self.observed.content or "!unknown"


def read_content(
    root_fd: int,
    change: Change,
    settings: Settings,
    fits: Callable[[str], int],
    trusted_since_ns: int,
    sandbox: Sandbox,
) -> Content | None:
    """Read, hash, decode and cut a file.

    Args:
        root_fd: descriptor of the root that ``change.path`` is relative to.
        change: an added or changed file.
        settings: sizes of texts and chunks.
        fits: see ``chunk_text``.
        trusted_since_ns: see ``is_trusted``.
        sandbox: reads what is no plain text.

    Returns:
        The content; None where the next scan has to tell: the file went away, or it is indexed
        and keeps changing while it is read.
    """
    if change.problem is not None:
        return _without_content(change, change.problem)
    try:
        return _read(root_fd, change, settings, fits, trusted_since_ns, sandbox)
    except ChangedWhileReading:
        if change.row is not None and change.row.indexed is not None:
            return None
        return _without_content(change, "unreadable: it changed while it was read")
    except FileNotFoundError:
        return None  # it went away since the scan: the next one finds that
    except OSError as error:
        return _without_content(change, unreadable(error))


def too_large(settings: Settings) -> str:
    """Why a file over the limit has no text; with another limit it is looked at again."""
    return f"larger than {settings.max_text_bytes} bytes: BEAST_MAX_TEXT_BYTES sets the limit"


def _without_content(change: Change, problem: str) -> Content:
    # Its time of hashing is the file's own: never settled, so the next scan asks again.
    observed = _observe(change, content_key(None, problem), change.stat.ctime_ns)
    return Content(observed, skip=Skip(problem, quarantined=problem not in _LINK_LIKE))


def _read(
    root_fd: int,
    change: Change,
    settings: Settings,
    fits: Callable[[str], int],
    trusted_since_ns: int,
    sandbox: Sandbox,
) -> Content:
    if skip := skip_by_name(change.path):
        return replace(_hash_only(root_fd, change, skip, trusted_since_ns), extractor=BY_KIND)
    if change.stat.size > settings.max_text_bytes:
        return _hash_only(root_fd, change, Skip(too_large(settings)), trusted_since_ns)
    began = perf_counter()
    result, data = read_stable(root_fd, change.path, settings.max_text_bytes)
    hashed = Content(
        _observe(change, result.sha256, result.hashed_ns)._replace(stat=result.stat),
        result.size_read,
        hash_seconds=perf_counter() - began,
    )
    if data is None:
        return replace(hashed, skip=Skip("it grew past the limit while it was read"))
    return _cut(hashed, data, change.path, settings, fits, sandbox)


def _cut(
    hashed: Content,
    data: bytes,
    path: bytes,
    settings: Settings,
    fits: Callable[[str], int],
    sandbox: Sandbox,
) -> Content:
    found = extract(data, path=path, sandbox=sandbox)
    if settings.secret_scan and (rule := _secret(found.parts)):
        skip = Skip(f"secret: {rule}", quarantined=True)
        return replace(hashed, skip=skip, extractor=found.extractor)
    chunks = chunk_parts(
        found.parts,
        path=path,
        max_chars=settings.chunk_chars,
        overlap=settings.chunk_overlap,
        fits=fits,
        chunker=settings.chunker,
    )
    return replace(
        hashed,
        skip=found.skip,
        extractor=found.extractor,
        chunks=tuple(chunks),
        text=PART_SEPARATOR.join(part.text for part in found.parts),
    )


def _secret(parts: Sequence[Part]) -> str | None:
    """The rule by which a file holds a secret."""
    return next((rule for part in parts if (rule := secret_in(part.text))), None)


def _hash_only(root_fd: int, change: Change, skip: Skip, trusted_since_ns: int) -> Content:
    row = change.row
    if row is not None and is_trusted(row, change.stat, trusted_since_ns):
        return Content(_observe(change, row.content, row.hashed_ns), skip=skip)
    began = perf_counter()
    result = hash_stable(root_fd, change.path)
    seconds = perf_counter() - began
    observed = _observe(change, result.sha256, result.hashed_ns)._replace(stat=result.stat)
    return Content(observed, result.size_read, skip, hash_seconds=seconds)


def _observe(change: Change, content: str | None, hashed_ns: int) -> Observed:
    return Observed(
        change.file_id,
        change.root_id,
        change.path,
        change.problem is None,
        change.stat,
        hashed_ns,
        content,
    )
