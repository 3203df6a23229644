"""Events of files from the kernel, through watchfiles: they wake, and nothing hangs on them.

Each folder is watched by itself, without what lies below: a recursive watch would follow links out
of the root and take in what the rules exclude, and it loses files in new nested folders all the
same.
"""

import os
import sys
import threading
from collections.abc import Collection
from typing import TYPE_CHECKING

from beast_assets.core.errors import BeastError
from beast_assets.core.watch_folders import Watched

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

# How often the library looks into its own queue; a lone save waits for one or two of these.
_STEP_MS = 100
# More paths than an editor's save touches: wait until it has been quiet for so long, but no longer
# in all than that.
_BURST, _QUIET_MS, _BURST_MS = 8, 200, 2_000
# Linux watches folders one by one; elsewhere the system watches trees, and follows no links.
_RECURSIVE = sys.platform != "linux"


class NoEventsError(BeastError):
    """The kernel gives no events for these folders."""


class FileEvents:
    """Events of a set of folders, gathered from the moment that ``watch`` returns."""

    def __init__(self, stop: threading.Event) -> None:
        """Watch nothing yet.

        Args:
            stop: ends a wait when it is set.
        """
        self._stop = stop
        self._notify: RustNotify | None = None
        self._folders: frozenset[bytes] = frozenset()

    def watch(self, watched: Watched) -> None:
        """Watch these folders from now on; there is no gap in between.

        Raises:
            NoEventsError: it cannot be done; ``wait`` only waits then.
        """
        folders = frozenset(watched.roots) if _RECURSIVE else watched.folders
        if self._notify is not None and folders == self._folders:
            return
        before, self._notify = self._notify, None
        try:
            self._notify = _open(folders)
        finally:
            self._folders = folders
            if before is not None:
                before.close()

    def wait(self, seconds: float) -> Collection[bytes] | None:
        """Wait for events that are followed by a moment of quiet.

        Args:
            seconds: at most so long, save that a burst is waited for.

        Returns:
            The absolute paths that they were of, possibly none; None if some were lost.
        """
        if self._notify is None:
            self._stop.wait(seconds)
            return ()
        try:
            paths = self._gather(self._notify, seconds)
        except RuntimeError:  # a name that is not UTF-8, for one; it would be raised for ever
            self.close()
            return None
        return [os.fsencode(path) for path in paths]

    def _gather(self, notify: "RustNotify", seconds: float) -> set[str]:
        timeout = max(1, int(seconds * 1_000))
        found = notify.watch(_BURST_MS, _STEP_MS, timeout, self._stop)
        paths = set() if isinstance(found, str) else {path for _, path in found}
        if len(paths) > _BURST:
            more = notify.watch(_BURST_MS, _QUIET_MS, _QUIET_MS, self._stop)
            paths |= set() if isinstance(more, str) else {path for _, path in more}
        return paths

    def close(self) -> None:
        """Watch nothing any more."""
        if self._notify is not None:
            self._notify.close()
        self._notify, self._folders = None, frozenset()


def _open(folders: Collection[bytes]) -> "RustNotify | None":
    from watchfiles._rust_notify import RustNotify

    names = [name for folder in folders if (name := _name(folder)) is not None]
    if not names:
        return None
    try:
        return RustNotify(names, False, False, 0, _RECURSIVE, False)
    except (FileNotFoundError, PermissionError) as error:
        raise NoEventsError(f"a folder went away while it was listed ({error})") from error
    except (OSError, RuntimeError) as error:
        raise NoEventsError(
            f"the kernel gives no file events for {len(names)} folders ({error}): changes are"
            " found by looking alone until there is room. More is allowed by"
            " `sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512`;"
            " fewer folders are watched where .beastignore excludes some"
        ) from error


def _name(folder: bytes) -> str | None:
    # The library takes text only; the others are found by looking.
    try:
        return folder.decode()
    except UnicodeDecodeError:
        return None
