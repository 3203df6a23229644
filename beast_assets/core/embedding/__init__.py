"""Embedding models behind one protocol; nothing heavy is imported before it is used."""

from collections.abc import Callable
from functools import cache

from .built_in import BUILT_IN
from .fingerprints import HASHING, model_fingerprint
from .model_files import resolve, verify
from .protocol import Embedder
from .tokens import TokenBudget

__all__ = ["Embedder", "default_fits", "load_embedder", "model_fingerprint"]


def load_embedder(setting: str, *, threads: int) -> Embedder:
    """Give the embedder that a model setting names; its weights are read at the first ``encode``.

    Args:
        setting: ``all-MiniLM-L6-v2``, a folder with a sentence-transformers model, the name of one
            in the local Hugging Face cache, or ``hashing`` (no model).
        threads: CPU threads that the model may use.

    Raises:
        ModelError: there is no such model on this machine, or it cannot be used.
    """
    if setting == HASHING:
        from .hashing_backend import HashingEmbedder

        return HashingEmbedder()
    from .sentence_transformers_backend import SentenceTransformersEmbedder

    return SentenceTransformersEmbedder(resolve(setting), model_fingerprint(setting), threads)


@cache
def default_fits() -> Callable[[str], int]:
    """Give the ``fits`` of the default model, without its weights.

    Raises:
        ModelError: its tokenizer is absent or altered.
    """
    model = resolve(BUILT_IN)
    verify(model, only=model.tokenizer_file)
    return TokenBudget(model.tokenizer_file, model.max_seq_length).fits
