"""Embedding models behind one protocol; nothing heavy is imported before it is used."""

import logging
from collections.abc import Callable
from functools import cache

from ..errors import ModelError
from .built_in import BUILT_IN
from .choice import AUTO, BACKENDS, OPENVINO, OPENVINO_INT8, choose
from .fingerprints import HASHING, model_fingerprint
from .model_files import resolve, verify
from .protocol import Embedder
from .tokens import TokenBudget

__all__ = [
    "BACKENDS",
    "Embedder",
    "default_fits",
    "load_embedder",
    "model_fingerprint",
    "planned_backend",
]

_log = logging.getLogger(__name__)


def load_embedder(
    setting: str, *, threads: int, backend: str = AUTO, queries: bool = False
) -> Embedder:
    """Give the embedder that a model setting names; its weights are read at the first ``encode``.

    Whatever the backend, vectors agree with sentence-transformers in fp32 (cosine at least 0.9999),
    so those of different backends may stand in one index. The exception is ``openvino-int8``, which
    nobody gets who does not ask for it: its index is one of its own.

    Args:
        setting: ``all-MiniLM-L6-v2``, a folder with a sentence-transformers model, the name of one
            in the local Hugging Face cache, or ``hashing`` (no model).
        threads: CPU threads that the model may use.
        backend: one of ``BACKENDS``.
        queries: for single short texts, quickly after the start of the process.

    Raises:
        ModelError: there is no such model on this machine, or it cannot be used.
    """
    if setting == HASHING:
        from .hashing_backend import HashingEmbedder

        return HashingEmbedder()
    model, fingerprint = resolve(setting), model_fingerprint(setting, backend)
    choice = choose(model, backend, queries=queries)
    _log.info("%s: %s (%s)", setting, choice.backend, choice.reason)
    if choice.backend in (OPENVINO, OPENVINO_INT8):
        from .openvino_backend import OpenVINOEmbedder

        return OpenVINOEmbedder(
            model,
            fingerprint,
            threads,
            queries=queries,
            int8=choice.backend == OPENVINO_INT8,
            reason=choice.reason,
        )
    from .sentence_transformers_backend import SentenceTransformersEmbedder

    return SentenceTransformersEmbedder(model, fingerprint, threads, reason=choice.reason)


def planned_backend(setting: str, backend: str = AUTO) -> str:
    """Say which backend ``load_embedder`` takes and why, without loading a model."""
    if setting == HASHING:
        return HASHING
    try:
        choice = choose(resolve(setting), backend)
    except ModelError as error:
        return str(error)
    return f"{choice.backend}: {choice.reason}"


@cache
def default_fits() -> Callable[[str], int]:
    """Give the ``fits`` of the default model, without its weights.

    Raises:
        ModelError: its tokenizer is absent or altered.
    """
    model = resolve(BUILT_IN)
    verify(model, only=model.tokenizer_file)
    return TokenBudget(model.tokenizer_file, model.max_seq_length).fits
