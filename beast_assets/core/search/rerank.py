"""A cross-encoder that reads question and passage together: slower, and better at the top."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from beast_assets.core.errors import ModelError, UsageError

#: How many of the best candidates it reads.
DEPTH = 50


def rerank_scores(model: str, query: str, texts: Sequence[str]) -> list[float]:
    """How well each text answers; higher is better.

    Args:
        model: folder of a sentence-transformers cross-encoder, or its name in the local cache.
        query: the question.
        texts: passages.

    Raises:
        UsageError: no model is set.
        ModelError: there is no such model on this machine.
    """
    if not model:
        raise UsageError("no reranker is set: set BEAST_RERANKER to a cross-encoder's folder")
    scores = _load(model).predict([(query, text) for text in texts], show_progress_bar=False)
    return [float(score) for score in scores]


@lru_cache(maxsize=1)
def _load(model: str) -> Any:
    from sentence_transformers import CrossEncoder

    try:
        return CrossEncoder(model, local_files_only=True)
    except Exception as error:  # its loaders raise whatever their parts do
        raise ModelError(f"the reranker {model} cannot be used: {error}") from error
