"""What a path is to the index: where it lies, and what becomes of it there."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from beast_assets.core import ledger_rows as ledgers
from beast_assets.core.files import NotRegularFileError, open_root
from beast_assets.core.forgotten import forgotten_by
from beast_assets.core.ledger import Ledger
from beast_assets.core.ledger_rows import FileRow, Root
from beast_assets.core.records import Stat
from beast_assets.core.scan import RootUnavailableError, which_rule
from beast_assets.core.session import own_folders
from beast_assets.core.settings import Settings
from beast_assets.core.words import show_path


class Place(NamedTuple):
    """A path as a scan would meet it.

    Attributes:
        absolute: the folders above it resolved, itself not.
        root: the innermost root that holds it, if one does.
        below: the path from there; empty for the root itself.
    """

    absolute: bytes
    root: Root | None = None
    below: bytes = b""


def place(path: bytes, roots: Sequence[Root]) -> Place:
    """Find the root of a path, which need not exist."""
    plain = os.path.abspath(path)  # noqa: PTH100 links are kept
    above, name = os.path.split(plain)
    resolved = os.path.join(bytes(Path(os.fsdecode(above)).resolve()), name)  # noqa: PTH118 bytes
    # A root that became a link itself is met by its own name only.
    for absolute in (resolved, plain):
        holders = [root for root in roots if _covers(root.path, absolute)]
        if holders:
            root = max(holders, key=lambda one: len(one.path))
            return Place(absolute, root, absolute[len(root.path) :].lstrip(b"/"))
    return Place(resolved)


def state_of(
    settings: Settings, ledger: Ledger, at: Place, record: FileRow | None
) -> tuple[str, str]:
    """What becomes of a path, in one word and in a sentence.

    Args:
        settings: of the home.
        ledger: its ledger.
        at: the path.
        record: what the ledger has of it.

    Returns:
        ``outside`` any root, ``own`` (the home), ``forgotten``, ``away`` with its root,
        ``ignored``, ``folder``, ``absent``, ``gone`` (absent, with a record), ``waiting`` for the
        next run, ``changed``, ``indexed``, ``skipped`` or ``quarantined``; and why.
    """
    if at.root is None:
        roots = ", ".join(show_path(root.path) for root in ledger.roots()) or "none"
        return "outside", f"no indexed folder holds it (they are: {roots})"
    if any(_covers(bytes(own.resolve()), at.absolute) for own in own_folders(settings)):
        return "own", "it belongs to the home, which is never indexed"
    if entry := forgotten_by(ledger, at.absolute):
        undo = f"`beast forget --undo {show_path(entry)}` lets it in again"
        return "forgotten", f"`beast forget` keeps it out; {undo}"
    try:
        rule = which_rule(at.root.path, at.below)
    except RootUnavailableError as error:
        return "away", str(error)
    if rule is not None:
        left = "; what is indexed of it goes with the next `beast index`" if record else ""
        return "ignored", f"by the rule {rule}{left}"
    found = _look(at.root.path, at.below)
    if isinstance(found, Stat):
        return _state_of_file(found, record)
    return _state_of_other(found, ledger, at, record)


def _covers(outer: bytes, inner: bytes) -> bool:
    return inner == outer or inner.startswith(outer.rstrip(b"/") + b"/")


def _look(root: bytes, below: bytes) -> Stat | str:
    """The stat of a regular file, or what is there instead."""
    if not below:
        return "directory"
    try:
        with open_root(root) as handle:
            return handle.stat(below)
    except NotRegularFileError as error:
        return error.kind
    except FileNotFoundError:
        return "absent"
    except NotADirectoryError:
        return "it lies behind a link or a file, which a scan does not enter"
    except OSError as error:
        return f"unreadable: {error.strerror}"


def _state_of_file(stat: Stat, record: FileRow | None) -> tuple[str, str]:
    if record is None:
        return "waiting", "it is new: the next `beast index` takes it in"
    if record.indexed is None or record.status is None:
        before = f"; the last one said: {record.reason}" if record.reason else ""
        return "waiting", f"the next `beast index` reads it{before}"
    if record.stat != stat or record.content != record.indexed:
        return "changed", "it is not as it was indexed: the next `beast index` looks"
    if record.status == ledgers.INDEXED:
        return record.status, "as it is on disk"
    return record.status, record.reason or "no reason is recorded"


def _state_of_other(
    found: str, ledger: Ledger, at: Place, record: FileRow | None
) -> tuple[str, str]:
    if found == "directory":
        return "folder", f"{_files_below(ledger, at)} of the files below it have a record"
    if record is not None and (found == "absent" or record.regular):
        return "gone", "it goes with the next `beast index`"
    if record is not None and record.status is not None:
        return record.status, record.reason or found
    if found == "absent" or found.startswith("it lies"):
        return "absent", found
    return "waiting", f"the next `beast index` lists it as {found}"


def _files_below(ledger: Ledger, at: Place) -> int:
    prefix = at.below + b"/" if at.below else b""
    rows = [row for row in ledger.files() if at.root and row.root_id == at.root.root_id]
    return sum(row.path.startswith(prefix) for row in rows)
