"""Which folders are worth watching, and which events are worth a look."""

import os
import stat
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from beast_assets.core.errors import BeastError, NoIndexError
from beast_assets.core.ledger import Ledger
from beast_assets.core.observe import to_avoid
from beast_assets.core.scan import RootUnavailableError, scan_directories, which_rule
from beast_assets.core.session import own_folders
from beast_assets.core.settings import Settings

_IGNORE_FILES = (b".gitignore", b".beastignore")


class Weight(IntEnum):
    """What events ask for: nothing, a look, or a look after the folders were listed anew."""

    NOTHING = 0
    FILES = 1
    FOLDERS = 2


@dataclass(frozen=True)
class Watched:
    """What is watched.

    Attributes:
        roots: those that were there, raw bytes.
        folders: every folder that a scan enters, roots included.
        own: folders of ours, whose events mean nothing.
    """

    roots: tuple[bytes, ...] = ()
    folders: frozenset[bytes] = frozenset()
    own: tuple[bytes, ...] = field(default=(), compare=False)

    def weigh(self, paths: Iterable[bytes]) -> Weight:
        """What the events of these absolute paths ask for."""
        heaviest = Weight.NOTHING
        for path in paths:
            heaviest = max(heaviest, self._weigh(path, heaviest))
            if heaviest == Weight.FOLDERS:
                break
        return heaviest

    def _weigh(self, path: bytes, known: Weight) -> Weight:
        if any(_within(path, own) for own in self.own):
            return Weight.NOTHING
        folder = path in self.folders or _is_folder(path)
        weight = Weight.FOLDERS if folder or _is_ignore_file(path) else Weight.FILES
        if weight == known:  # rules need not be read for what makes no difference
            return weight
        return Weight.NOTHING if self._is_excluded(path, folder) else weight

    def _is_excluded(self, path: bytes, folder: bool) -> bool:
        root = max((root for root in self.roots if _within(path, root)), key=len, default=path)
        below = path[len(root) :].strip(b"/")
        if not below:
            return False
        try:
            return which_rule(root, below + b"/" if folder else below) is not None
        except (BeastError, OSError):
            return False


def watched_now(settings: Settings) -> Watched:
    """List the folders of all roots, as a scan would enter them; a root that is away has none."""
    try:
        roots = Ledger.open_existing(settings.ledger_url).roots()
    except NoIndexError:
        return Watched()
    own = own_folders(settings)
    folders: set[bytes] = set()
    there: list[bytes] = []
    for root in roots:
        try:
            folders |= _folders(root.path, to_avoid(root, roots, own))
            there.append(root.path)
        except RootUnavailableError:
            continue
    return Watched(tuple(there), frozenset(folders), tuple(map(bytes, own)))


def _folders(root: bytes, avoid: Collection[tuple[int, int]]) -> set[bytes]:
    top = root.rstrip(b"/") + b"/"
    found = set()
    for listing in scan_directories(root, avoid=avoid):
        if not any(entry.path + b"/" == listing.prefix for entry in listing.odd):  # unreadable
            found.add((top + listing.prefix).rstrip(b"/") or b"/")
    return found


def _within(path: bytes, folder: bytes) -> bool:
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def _is_folder(path: bytes) -> bool:
    try:
        return stat.S_ISDIR(Path(os.fsdecode(path)).lstat().st_mode)
    except (OSError, ValueError):
        return False


def _is_ignore_file(path: bytes) -> bool:
    return path.rpartition(b"/")[2] in _IGNORE_FILES
