"""The machine that figures were taken on: without it they mean nothing."""

import importlib.metadata
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = ("dagster", "lancedb", "numpy", "openvino", "sentence-transformers", "torch")


def describe_machine() -> dict[str, Any]:
    """CPU, cores, memory, kernel, versions, load and commit at this moment."""
    return {
        "cpu": _cpu_model(),
        "cores": len(psutil.Process().cpu_affinity() or [])
        if hasattr(psutil.Process, "cpu_affinity")
        else os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "openssl": _openssl(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "load_1m": round(os.getloadavg()[0], 2),
        "commit": _said("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quiet": "a load above the number of cores before the start means a busy machine",
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _openssl() -> str:
    import ssl

    command = _said("openssl", "version").partition(" (")[0]
    return f"{ssl.OPENSSL_VERSION} in Python, command {command or 'absent'}"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _said(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return ""
    return done.stdout.strip()


if __name__ == "__main__":
    import json

    json.dump(describe_machine(), sys.stdout, indent=2)
