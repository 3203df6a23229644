"""Vectors for texts: from the cache, or from the model and then into the cache."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from beast_assets.core.cache import EmbeddingCache
from beast_assets.core.embedding import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class CachedEmbedder:
    """A model behind its cache; what the model returns is committed a batch at a time.

    Attributes:
        embedder: the model.
        tokens_truncated: tokens of embedded texts that the model did not read, so far.
    """

    def __init__(self, embedder: Embedder, cache: EmbeddingCache, batch: int) -> None:
        self.embedder = embedder
        self._cache = cache
        self._batch = batch
        self.tokens_truncated = 0

    def vectors(
        self, texts: Mapping[str, str]
    ) -> "tuple[dict[str, NDArray[np.float16]], set[str]]":
        """Vectors of texts.

        Args:
            texts: SHA-256 (hex) → text.

        Returns:
            SHA-256 → float16 vector of unit length, and the keys that the model was given now.
        """
        found = self._cache.get(list(texts))
        # By length: a batch costs what its longest text costs.
        missing = sorted((key for key in texts if key not in found), key=lambda k: len(texts[k]))
        for start in range(0, len(missing), self._batch):
            keys = missing[start : start + self._batch]
            batch = self._embed(keys, [texts[key] for key in keys])
            self._cache.put(batch)
            found |= batch
        return found, set(missing)

    def _embed(self, keys: Sequence[str], texts: Sequence[str]) -> "dict[str, NDArray[np.float16]]":
        import numpy as np

        vectors = self.embedder.encode(texts).astype(np.float16)
        self.tokens_truncated += self.embedder.count_truncated(texts)
        return dict(zip(keys, vectors, strict=True))
