"""Questions to vectors; the model is loaded at the first one."""

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from beast_assets.core.embedding import Embedder, load_embedder
from beast_assets.core.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_KEPT = 1_024


class QueryEncoder:
    """The model of the settings, for one question at a time, and its last answers; thread-safe."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._embedder: Embedder | None = None
        self._vectors: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    def encode(self, query: str) -> "NDArray[np.float32]":
        """The vector of a question: float32, (dimension,), length 1.

        Raises:
            ModelError: the model is absent, altered or unusable.
        """
        with self._lock:
            if query not in self._vectors:
                self._vectors[query] = self._model().encode([query])[0]
            self._vectors.move_to_end(query)
            if len(self._vectors) > _KEPT:
                self._vectors.popitem(last=False)
            return self._vectors[query]

    def compute(self, text: str) -> "NDArray[np.float32]":
        """As ``encode``, not from memory and not into it."""
        with self._lock:
            vector: NDArray[np.float32] = self._model().encode([text])[0]
            return vector

    def _model(self) -> Embedder:
        if self._embedder is None:
            self._embedder = load_embedder(
                self._settings.model,
                threads=self._settings.threads,
                backend=self._settings.backend,
                queries=True,
            )
        return self._embedder
