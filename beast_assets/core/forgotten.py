"""Paths that a person had forgotten: what is still to be purged, and what stays out from now on.

They are facts of the ledger (``meta``), written before anything is deleted, so that whoever takes
the writer lock after a death in the middle finishes the work.
"""

import json
import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from beast_assets.core.ledger import Ledger
from beast_assets.core.records import Listing

_KEY = "forgotten"


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What became of a forgotten path.

    Attributes:
        since_ns: when a person asked, nanoseconds since the epoch.
        excluded: whether it stays out of the index: it was on the disk when it was forgotten.
        pending: whether its traces are still to be removed.
    """

    since_ns: int
    excluded: bool
    pending: bool


def absolute_path(path: bytes) -> bytes:
    """The name that a file has in its root: links above it resolved, itself not."""
    whole = os.path.abspath(path)  # noqa: PTH100 bytes, not text
    folder, name = os.path.split(whole)
    return os.path.join(os.path.realpath(folder), name)  # noqa: PTH118 bytes, not text


def forgotten(ledger: Ledger) -> dict[bytes, Forgotten]:
    """All of them, by absolute path."""
    kept = json.loads(ledger.meta(_KEY) or "{}")
    return {bytes.fromhex(path): Forgotten(*facts) for path, facts in kept.items()}


def excluded_paths(ledger: Ledger) -> frozenset[bytes]:
    """Absolute paths that stay out of the index."""
    return frozenset(path for path, one in forgotten(ledger).items() if one.excluded)


def forgotten_by(ledger: Ledger, path: bytes) -> bytes | None:
    """The forgotten path that keeps an absolute path out of the index: itself or one above it."""
    return next((out for out in excluded_paths(ledger) if covers(out, path)), None)


def wish(ledger: Ledger, paths: Iterable[bytes]) -> None:
    """Record, in one transaction, what is to be forgotten; what is on the disk stays out."""
    now = time.time_ns()
    found = forgotten(ledger)
    for path in paths:
        exists = os.path.lexists(path)
        found[path] = Forgotten(now, exists, pending=True)
    _keep(ledger, found)


def fulfil(ledger: Ledger) -> None:
    """State that nothing is pending; of what was not on the disk no name is left."""
    found = forgotten(ledger)
    _keep(ledger, {p: replace(one, pending=False) for p, one in found.items() if one.excluded})


def pending_paths(ledger: Ledger) -> list[bytes]:
    """What is still to be purged."""
    return [path for path, one in forgotten(ledger).items() if one.pending]


def allow_again(ledger: Ledger, paths: Collection[bytes]) -> None:
    """Let paths back in; the next run finds them."""
    _keep(ledger, {p: one for p, one in forgotten(ledger).items() if p not in paths})


def _keep(ledger: Ledger, found: Mapping[bytes, Forgotten]) -> None:
    rows = {path.hex(): [one.since_ns, one.excluded, one.pending] for path, one in found.items()}
    ledger.set_meta(_KEY, json.dumps(rows, sort_keys=True))


def covers(outer: bytes, path: bytes) -> bool:
    """Whether a path is another one or lies below it."""
    return path == outer or path.startswith(outer.rstrip(b"/") + b"/")


def without(listings: Iterator[Listing], root: bytes, out: Collection[bytes]) -> Iterator[Listing]:
    """A scan of a root without what stays out.

    Args:
        listings: of the scan.
        root: absolute path.
        out: absolute paths.
    """
    top = root.rstrip(b"/") + b"/"
    if any(covers(path, root) for path in out):
        return iter(())
    inside = [path.removeprefix(top) for path in out if path.startswith(top)]
    return (_sifted(listing, inside) for listing in listings) if inside else listings


def _sifted(listing: Listing, out: Collection[bytes]) -> Listing:
    prefix = listing.prefix
    if not any(covers(path, prefix.rstrip(b"/")) or path.startswith(prefix) for path in out):
        return listing
    kept = Listing(prefix, [], [], [])
    for entry in listing.entries():
        if any(covers(path, entry.path) for path in out):
            continue
        if entry.problem is None:
            kept.names.append(entry.path[len(prefix) :])
            kept.stats.extend(entry.stat)
        else:
            kept.odd.append(entry)
    return kept
