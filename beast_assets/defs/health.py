"""What only Dagster's instance knows of a home's health: its daemon, and the sensor's ticks."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

import dagster as dg

from beast_assets.core.health import OK, WARN, Finding
from beast_assets.core.health.words import lasting
from beast_assets.core.settings import Settings
from beast_assets.defs.names import FILES_CHANGED

# Heartbeats come every 30 s, more rarely on a busy machine; Dagster itself believes for 30 minutes.
_SILENT_S: Final = 300.0
_START = "keep `beast dev` running; without it changes come in with `beast index`"

Look = Callable[[dg.DagsterInstance, Settings], Finding]


class DagsterProbe(NamedTuple):
    """A question to an instance; by whom it is opened is the caller's affair."""

    name: str
    description: str
    look: Look


def daemon(instance: dg.DagsterInstance, _settings: Settings) -> Finding:
    """Whether Dagster's daemon has been heard of lately; the index works without it."""
    beats = instance.get_daemon_heartbeats()
    if not beats:
        return Finding(WARN, f"no daemon has run here: {_START}", {"running": False})
    age = max(0.0, time.time() - max(beat.timestamp for beat in beats.values()))
    figures = {"running": age <= _SILENT_S, "heartbeat_seconds": round(age, 1)}
    if age > _SILENT_S:
        return Finding(WARN, f"the daemon was last heard of {lasting(age)} ago: {_START}", figures)
    wrong = sorted(name for name, beat in beats.items() if beat.errors)
    if wrong:
        words = f"the daemon tells of errors in {', '.join(wrong)}: see Deployment in the UI"
        return Finding(WARN, words, {**figures, "errors": wrong})
    return Finding(OK, "the daemon runs", figures)


def sensor(instance: dg.DagsterInstance, settings: Settings) -> Finding:
    """Whether the sensor looks for changes as often as it should, if a daemon runs."""
    if not daemon(instance, settings).figures["running"]:
        return Finding(OK, "no ticks are to be expected: no daemon runs")
    states = [
        state for state in instance.all_instigator_state() if state.instigator_name == FILES_CHANGED
    ]
    if states and all(state.status.value == "STOPPED" for state in states):
        words = f"{FILES_CHANGED} is turned off: turn it on in the UI, under Automation"
        return Finding(WARN, words, {"on": False})
    ticks = [
        (tick.timestamp, tick.error)
        for state in states
        for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
    ]
    if not ticks:
        return Finding(WARN, f"{FILES_CHANGED} has not ticked yet: look again in a minute")
    at, error = max(ticks, key=lambda tick: tick[0])
    return _of_tick(time.time() - at, error.message if error else "", settings)


def _of_tick(age: float, error: str, settings: Settings) -> Finding:
    figures = {"tick_seconds": round(age, 1)}
    if error:
        return Finding(WARN, f"the last tick failed: {error.strip()}", figures)
    words = f"{FILES_CHANGED} last ticked {lasting(age)} ago"
    if age > settings.sensor_seconds + _SILENT_S:
        return Finding(WARN, f"{words}: see Automation in the UI", figures)
    return Finding(OK, words, figures)


DAGSTER_PROBES: Final = (
    DagsterProbe("daemon", "Does Dagster's daemon run?", daemon),
    DagsterProbe("sensor", "Does the sensor look for changes?", sensor),
)
