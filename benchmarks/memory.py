"""What other processes cost, memory first of all: measured and not claimed."""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import python

# VmHWM belongs to the address space and starts anew with exec. ru_maxrss does not: a child of a
# large process begins with its parent's peak, and every figure below that one is lost.
PEAK = """
def peak_bytes():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line[:6] == "VmHWM:")
    except OSError:
        import resource, sys
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
"""
_LOOK_EVERY_S = 0.0005
_LOOK_SELDOM_S = 0.05


@dataclass(frozen=True)
class Cost:
    """What a process took.

    Attributes:
        seconds: wall time from start to end.
        cpu_seconds: of all its threads, user and system.
        peak_bytes: resident memory, as last seen before its end; None without /proc.
        output: what it printed.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int | None
    output: str


def cost_of(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> Cost:
    """Run a program to its end and measure it; for programs that run for seconds.

    Raises:
        RuntimeError: it failed; with the end of what it said.
    """
    words = [str(word) for word in command]
    peak = None
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.perf_counter()
        process = subprocess.Popen(words, stdout=out, stderr=err, env=environment)  # noqa: S603
        while True:
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            peak = max(peak or 0, _high_water(process.pid, words[0]) or 0) or None
            time.sleep(_LOOK_SELDOM_S)
        took = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            said = err.read().strip()[-2_000:]
            raise RuntimeError(f"{words[0]} ended with {process.returncode}: {said}")
        return Cost(took, used.ru_utime + used.ru_stime, peak, out.read())


def python_peak(program: str, *words: str | Path) -> int:
    """Peak resident memory of a fresh interpreter that runs a program, bytes."""
    printed = python(f"{PEAK}\n{program}\nprint(peak_bytes())", *words)
    return int(printed.split()[-1])


def command_peak(command: Sequence[str | Path]) -> int | None:
    """Peak resident memory of a command, bytes, as last seen before its end.

    Returns:
        None where it ended before it was seen, or where there is no /proc.
    """
    words = [str(word) for word in command]
    peak = None
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:  # noqa: S603
        while process.poll() is None:
            peak = max(peak or 0, _high_water(process.pid, words[0]) or 0) or None
            time.sleep(_LOOK_EVERY_S)
    return peak


def _high_water(pid: int, program: str) -> int | None:
    # Between fork and exec the process is still a copy of this one, under this one's name.
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    values = dict(line.split(":", 1) for line in status.splitlines())
    if values["Name"].strip() != Path(program).name[:15] or "VmHWM" not in values:
        return None
    return int(values["VmHWM"].split()[0]) * 1024
