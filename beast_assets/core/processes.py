"""Telling whether a process that left its name somewhere is still the one that runs."""

import os
import socket
from dataclasses import asdict, dataclass

# Clocks of process start and of a record are read by different paths; this is their slack.
_CLOCK_SLACK_S = 2.0


@dataclass(frozen=True, slots=True)
class ProcessName:
    """A process, named so that a later one with the same number is not taken for it.

    Attributes:
        host: the machine's name.
        pid: its number there.
        started: its start, seconds since the epoch.
    """

    host: str
    pid: int
    started: float

    def to_dict(self) -> dict[str, object]:
        """Plain data for JSON."""
        return asdict(self)


def this_process() -> ProcessName:
    """The name of the calling process."""
    import psutil

    return ProcessName(socket.gethostname(), os.getpid(), psutil.Process().create_time())


def is_gone(pid: int, *, seen_at: float, host: str | None = None) -> bool:
    """Whether the process that had this number at ``seen_at`` (epoch seconds) has ended.

    A process of another machine is never judged: this one cannot know.
    """
    import psutil

    if host is not None and host != socket.gethostname():
        return False
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        return process.create_time() > seen_at + _CLOCK_SLACK_S
    except psutil.NoSuchProcess:
        return True
