"""Giving way: to other programs, and to a battery."""

import os
import sys

_NICENESS = 10


def give_way() -> None:
    """Run this process, and what it starts, after all that is more urgent."""
    import psutil

    os.nice(_NICENESS)
    if sys.platform == "linux":
        psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)


def runs_on_battery() -> bool:
    """Whether the machine runs on its battery; not where it has none or does not say."""
    import psutil

    found = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    return found is not None and found.power_plugged is False
