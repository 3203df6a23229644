"""What ``beast watch`` and commands beside it tell each other, as files of the home.

``watch.lock`` is held by the one watcher and names it; ``watch.paused`` is there while nothing is
to be looked at, over restarts too; ``watch.json`` is what the watcher last said of itself.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from beast_assets.core.home import prepare_home
from beast_assets.core.lock import holder_of
from beast_assets.core.private import private_files
from beast_assets.core.settings import Settings


def watch_lock(settings: Settings) -> Path:
    """The file that the one watcher holds locked."""
    return settings.home / "watch.lock"


def set_paused(settings: Settings, paused: bool) -> None:
    """Have whoever watches this home, now or later, rest or go on."""
    prepare_home(settings)
    if paused:
        with private_files():
            _pause_file(settings).touch()
    else:
        _pause_file(settings).unlink(missing_ok=True)


def is_paused(settings: Settings) -> bool:
    """Whether nothing is to be looked at."""
    return _pause_file(settings).exists()


def write_state(settings: Settings, state: Mapping[str, Any]) -> None:
    """Leave word for ``watch_status``."""
    path = _state_file(settings)
    partial = path.with_suffix(".partial")
    with private_files():
        partial.write_text(json.dumps(state))
    partial.replace(path)


def watch_status(settings: Settings) -> dict[str, Any]:
    """Whether a watcher runs, whether it rests, and what it last said of itself."""
    process = holder_of(watch_lock(settings))
    try:
        said = json.loads(_state_file(settings).read_bytes()) if process else {}
    except (FileNotFoundError, ValueError):
        said = {}
    return {"watch": watch_word(settings), "process": process, **said}


def watch_word(settings: Settings) -> str:
    """The same in a few words."""
    process = holder_of(watch_lock(settings))
    running = "not running" if process is None else f"running (process {process})"
    return f"{running}, paused" if is_paused(settings) else running


def _pause_file(settings: Settings) -> Path:
    return settings.home / "watch.paused"


def _state_file(settings: Settings) -> Path:
    return settings.home / "watch.json"
