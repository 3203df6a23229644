"""What ``beast watch`` says: each thing once, and all of it where ``--status`` finds it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from beast_assets.core.settings import Settings
from beast_assets.core.watch_state import write_state
from beast_assets.core.words import moment

#: Takes what happened, as data and in words.
Tell = Callable[[Mapping[str, Any], str], None]


@dataclass
class News:
    """Tells what happens, and remembers what holds.

    Attributes:
        settings: of the home where the state is written.
        tell: is called once for each thing that happens.
        looks: how many looks were taken.
        runs: how many of them led to a run.
    """

    settings: Settings
    tell: Tell
    looks: int = 0
    runs: int = 0
    _holds: dict[str, str] = field(default_factory=dict)
    _last_run: dict[str, Any] = field(default_factory=dict)

    def say(self, event: str, line: str, data: Mapping[str, Any] | None = None) -> None:
        """Something happened."""
        at = moment(time.time_ns())
        self.tell({"event": event, "at": at.isoformat(), **(data or {})}, f"{at:%H:%M:%S} {line}")
        if event == "run":
            self._last_run = {"at": at.isoformat(), "what": line}
        write_state(self.settings, self.state())

    def state(self) -> dict[str, Any]:
        """How things stand."""
        counts = {"looks": self.looks, "runs": self.runs}
        return {**counts, "last_run": self._last_run, "messages": dict(self._holds)}

    def holds(self, kind: str, text: str, data: Mapping[str, Any] | None = None) -> None:
        """Something is so until ``over``; it is told when it begins or changes."""
        if self._holds.get(kind) != text:
            self._holds[kind] = text
            self.say(kind, text, {"message": text, **(data or {})})

    def over(self, kind: str) -> bool:
        """It is so no more; whether it was."""
        if kind not in self._holds:
            return False
        del self._holds[kind]
        write_state(self.settings, self.state())
        return True


def run_line(counts: Mapping[str, Any]) -> str:
    """A run in one line."""
    words = "{added} added, {changed} changed, {removed} removed: {chunks_written} chunks written, "
    return (words + "{embedded} embedded; {seconds} s").format_map(counts)
