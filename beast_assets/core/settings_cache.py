"""Settings kept for a while, so that every caller may ask for them anew."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from beast_assets.core.settings import ENV_FILES, Settings, find_config_dir, load_settings

_MAX_ENTRIES = 32


class CacheInfo(NamedTuple):
    """How often a ``SettingsCache`` was asked, and the share of hits from 0.0 to 1.0."""

    hits: int
    misses: int
    hit_rate: float


class _Entry(NamedTuple):
    settings: Settings
    loaded_at: float
    surroundings: object
    files: list[str]
    versions: object


class SettingsCache:
    """Settings kept for a while, for callers in any thread.

    A hit costs two stats. What was loaded counts while it is younger than the time to live, both
    env files have the same modification time, size and inode (or are still absent), and the
    ``BEAST_*`` environment variables and the working directory are the same. Another variable
    that the files refer to is therefore noticed only when the time is over.
    """

    def __init__(self, ttl_s: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        """Make an empty cache.

        Args:
            ttl_s: the time to live in seconds.
            clock: seconds that never go back.
        """
        self._ttl_s = ttl_s
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[object, _Entry] = {}
        self.hits = 0
        self.misses = 0

    @property
    def hit_rate(self) -> float:
        """The share of hits, 0.0 before the first call."""
        return self.hits / (self.hits + self.misses) if self.hits else 0.0

    def info(self) -> CacheInfo:
        """Count hits and misses at one moment."""
        with self._lock:
            return CacheInfo(self.hits, self.misses, self.hit_rate)

    def get(self, overrides: Mapping[str, object] | None = None) -> Settings:
        """The settings as ``load_settings`` has them, from the cache where it still counts.

        Raises:
            UsageError: as ``load_settings``; a failure is not kept.
            TypeError: as ``load_settings``.
        """
        key = _key(overrides)
        with self._lock:
            now, surroundings = self._clock(), _surroundings()
            entry = self._entries.get(key)
            if entry and self._counts(entry, now, surroundings):
                self.hits += 1
                return entry.settings
            self.misses += 1
            if len(self._entries) >= _MAX_ENTRIES:
                self._entries.clear()
            entry = self._entries[key] = _load_entry(overrides, now, surroundings)
            return entry.settings

    def _counts(self, entry: _Entry, now: float, surroundings: object) -> bool:
        return (
            now - entry.loaded_at < self._ttl_s
            and surroundings == entry.surroundings
            and _versions(entry.files) == entry.versions
        )


def _load_entry(overrides: Mapping[str, object] | None, now: float, surroundings: object) -> _Entry:
    folder = find_config_dir(overrides, os.environ)
    files = [str(folder / name) for name in ENV_FILES]
    # Looked at before they are read: a change in between is then seen by the next call.
    versions = _versions(files)
    return _Entry(load_settings(overrides), now, surroundings, files, versions)


def _key(overrides: Mapping[str, object] | None) -> object:
    return frozenset(
        (name, type(value), tuple(value) if isinstance(value, list) else value)
        for name, value in (overrides or {}).items()
        if value is not None
    )


def _surroundings() -> object:
    names = [name for name in os.environ if name.startswith("BEAST_")]
    return [(name, os.environ.get(name)) for name in sorted(names)], os.getcwd()  # noqa: PTH109


def _versions(files: list[str]) -> object:
    return [_version(path) for path in files]


def _version(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - twice as fast, on the way of every hit
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


_CACHE = SettingsCache()


def get_settings(overrides: Mapping[str, object] | None = None) -> Settings:
    """``SettingsCache.get`` of the process's own cache."""
    return _CACHE.get(overrides)


def cache_info() -> CacheInfo:
    """Tell how often the process's own cache was hit."""
    return _CACHE.info()
