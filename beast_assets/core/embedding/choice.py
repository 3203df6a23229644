"""Which library computes the vectors on this machine, and why."""

import importlib.util
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from ..errors import ModelError
from .model_files import ModelFolder
from .plain_bert import why_not_plain

AUTO = "auto"
OPENVINO = "openvino"
OPENVINO_INT8 = "openvino-int8"
SENTENCE_TRANSFORMERS = "sentence-transformers"
BACKENDS = (AUTO, OPENVINO, OPENVINO_INT8, SENTENCE_TRANSFORMERS)

# Of the drivers of NVIDIA and AMD.
_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")


class Choice(NamedTuple):
    """A backend, and the reason for it in words."""

    backend: str
    reason: str


def choose(model: ModelFolder, backend: str = AUTO, *, queries: bool = False) -> Choice:
    """Choose a backend; torch is imported only where a graphics processor may be.

    Args:
        model: the model in question.
        backend: one of ``BACKENDS``.
        queries: for single short texts, for which an import of torch never pays.

    Raises:
        ModelError: OpenVINO was asked for and cannot be had for this model.
    """
    if backend == SENTENCE_TRANSFORMERS:
        return Choice(SENTENCE_TRANSFORMERS, "as set")
    obstacle = why_not_openvino(model)
    if backend in (OPENVINO, OPENVINO_INT8):
        if obstacle is not None:
            raise ModelError(
                f"BEAST_BACKEND={backend} cannot be had for {model.folder}: {obstacle};"
                f" set it to {AUTO} or {SENTENCE_TRANSFORMERS}"
            )
        return Choice(backend, "as set")
    if not queries and (device := accelerator()) is not None:
        return Choice(SENTENCE_TRANSFORMERS, f"there is a graphics processor ({device})")
    if obstacle is not None:
        return Choice(SENTENCE_TRANSFORMERS, f"not OpenVINO, since {obstacle}")
    return Choice(OPENVINO, "a plain BERT on a CPU")


def why_not_openvino(model: ModelFolder) -> str | None:
    """Say what stands against OpenVINO for a model, or None."""
    if importlib.util.find_spec("openvino") is None:
        return "the package openvino is not installed"
    return why_not_plain(model)


def accelerator() -> str | None:
    """Name the graphics processor that torch can use (``cuda``, ``mps``), or None."""
    if not _may_have_accelerator():
        return None
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else None


def _may_have_accelerator() -> bool:
    try:
        if version("torch").endswith("+cpu"):
            return False
    except PackageNotFoundError:
        return False
    if platform.system() == "Darwin":
        return platform.machine() == "arm64"
    return os.name == "nt" or any(Path(device).exists() for device in _DEVICES)
