"""``beast watch``: a warm process that keeps the index up to date, one look after the other.

File events only wake a look early. A look is that of ``beast index``: disk and index are compared,
and a run is started in Dagster only where they differ.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from beast_assets.core.embedding.kept import keeping_embedder, run_embedder
from beast_assets.core.errors import BeastError, LockedError
from beast_assets.core.file_events import FileEvents, NoEventsError
from beast_assets.core.gentle import give_way, runs_on_battery
from beast_assets.core.home import prepare_home
from beast_assets.core.interrupts import Interrupts
from beast_assets.core.lock import writer_lock
from beast_assets.core.settings import Settings
from beast_assets.core.settings_cache import get_settings
from beast_assets.core.watch_folders import Watched, watched_now
from beast_assets.core.watch_news import News, Tell, run_line
from beast_assets.core.watch_state import is_paused, watch_lock
from beast_assets.core.watching import Pace, Watching
from beast_assets.indexing import NoFolderError, RunFailedError, index_now


def watch(
    settings: Settings,
    tell: Tell,
    *,
    nice: bool = False,
    stop_on_battery: bool = False,
    on_battery: Callable[[], bool] = runs_on_battery,
) -> None:
    """Keep the index up to date until SIGINT or SIGTERM; in the main thread.

    Args:
        settings: whose home; all else in them is read anew at each look.
        tell: called once for each thing that happens, with data and words.
        nice: give way to all else on the machine.
        stop_on_battery: take no look while the machine runs on its battery.
        on_battery: whether it does.

    Raises:
        LockedError: this home is watched already.
    """
    prepare_home(settings)
    if nice:
        give_way()
    with writer_lock(watch_lock(settings), what="`beast watch`") as lock, Interrupts() as told:
        lock.mark_clean()
        held = Held(settings, on_battery if stop_on_battery else lambda: False)
        with Watcher(settings, News(settings, tell), told, held) as watcher:
            watcher.run()


@dataclass(frozen=True)
class Held:
    """Why nothing is to be looked at now."""

    settings: Settings
    on_battery: Callable[[], bool]

    def __call__(self) -> str | None:
        """The reason in words; None to go on."""
        if is_paused(self.settings):
            return "paused until `beast watch --resume`"
        return "paused while on battery" if self.on_battery() else None


@dataclass
class Warm:
    """What is kept from run to run: the model, Dagster with its instance, LanceDB."""

    _kept: ExitStack | None = None

    def up(self, settings: Settings) -> None:
        """Load what a run needs, if it is not loaded yet."""
        if self._kept is not None:
            return
        import lancedb  # noqa: F401 - so that the first run finds it imported

        from beast_assets.defs.launch import keeping_instance

        with ExitStack() as stack:
            stack.enter_context(keeping_embedder())
            stack.enter_context(keeping_instance(settings))
            model = run_embedder(settings.model, threads=settings.threads, backend=settings.backend)
            model.encode(["warm"])
            self._kept = stack.pop_all()

    def cool(self) -> None:
        """Let go of it: what is kept may be what is wrong."""
        if self._kept is not None:
            self._kept.close()
        self._kept = None

    def end_runs(self, settings: Settings) -> None:
        """Mark as canceled what we were running, if we were."""
        if self._kept is None:
            return
        from beast_assets.defs.launch import run_instance
        from beast_assets.defs.runs import end_own_runs

        with run_instance(settings) as instance:
            end_own_runs(instance)


@dataclass
class Watcher:
    """A watched home: looks, events, warmth and news tied together.

    Attributes:
        settings: as of the last look.
        news: what is said.
        told: whether to stop.
        why_held: why nothing is to be looked at now.
    """

    settings: Settings
    news: News
    told: Interrupts
    why_held: Callable[[], str | None]
    _watched: Watched = field(default_factory=Watched)
    _warm: Warm = field(default_factory=Warm)

    def __enter__(self) -> "Watcher":
        self._events = FileEvents(self.told.stop)
        self._pace = Pace(self.settings.watch_seconds)
        return self

    def __exit__(self, *_error: object) -> None:
        self._events.close()
        self._warm.cool()

    def run(self) -> None:
        """Watch until told to stop."""
        self.news.say("started", f"watching {self.settings.home}")
        Watching(
            self._events, lambda: self._watched, self._look, self._held, self._pace, self.told.stop
        ).run()
        self.news.say("stopped", "stopped", self.news.state())

    def _held(self) -> str | None:
        self.told.pending()
        why = self.why_held()
        if why is not None:
            self.news.holds("paused", why)
        elif self.news.over("paused"):
            self.news.say("resumed", "going on")
        return why

    def _look(self, full: bool) -> None:
        self.news.looks += 1
        try:
            with self.told.raised():
                self._compare(full)
        except KeyboardInterrupt:
            pass
        except NoFolderError:
            self.news.holds("error", "no folder is indexed yet: name one by `beast roots add DIR`")
            self._pace.looked(0.0, ran=False)
        except Exception as error:  # whatever it is, the next look may find it mended
            self._failed(error)
        if self.told.pending():
            self._warm.end_runs(self.settings)

    def _compare(self, full: bool) -> None:
        began = time.monotonic()
        self.settings = get_settings({"home": self.settings.home})
        self._pace.interval_s = self.settings.watch_seconds
        if full:
            self._list_folders()
        counts = index_now(self.settings)
        self._looked(counts, time.monotonic() - began)
        if full and not self._watched.roots:
            self._list_folders()  # the first look made the ledger that names the roots
        self._warm.up(self.settings)

    def _list_folders(self) -> None:
        self._watched = watched_now(self.settings)
        try:
            self._events.watch(self._watched)
        except NoEventsError as error:
            self.news.holds("no_events", str(error))
        else:
            self.news.over("no_events")

    def _looked(self, counts: dict[str, Any], took_s: float) -> None:
        ran = bool(counts["run_ids"])
        self._pace.looked(took_s, ran=ran)
        self.news.over("error")
        away = [*counts["unavailable"], *(held["reason"] for held in counts["held_back"])]
        if away:
            self.news.holds("away", "; ".join(away))
        else:
            self.news.over("away")
        if ran:
            self.news.runs += 1
            self.news.say("run", run_line(counts), counts)

    def _failed(self, error: Exception) -> None:
        if self.told.pending():  # the run was ended by the signal
            return
        ran = isinstance(error, RunFailedError)
        wait_s = self._pace.failed(ran=ran)
        if not isinstance(error, LockedError):
            self._warm.cool()
        words = str(error) if isinstance(error, BeastError | OSError) else repr(error)
        self.news.holds("error", words, {"next_try_s": wait_s})
