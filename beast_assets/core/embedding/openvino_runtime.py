"""OpenVINO, imported so that it reports to nobody, and what it can do on this processor."""

import sys
from functools import cache
from typing import Any

#: Inference precisions, by the name that OpenVINO has for them.
BF16 = "bf16"
F32 = "f32"


@cache
def openvino() -> Any:
    """Import OpenVINO without its telemetry.

    Its import alone reports to Google Analytics, from a forked process, and writes an identifier
    into the user's home. There is no variable against it; it does without where the package that
    reports cannot be imported.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino


@cache
def core() -> Any:
    """The process's one OpenVINO runtime."""
    return openvino().Core()


def best_precision() -> str:
    """Name the fastest precision that agrees with fp32: bf16 where the processor computes in it."""
    return BF16 if "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else F32
