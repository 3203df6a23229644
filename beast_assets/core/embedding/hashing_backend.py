"""No model, for tests and for machines without one: words and letter triples, counted.

It finds texts that share words or parts of words, and knows nothing of meaning.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from .fingerprints import HASHING_FINGERPRINT

_WORD = re.compile(r"\w+")
_BUDGET = 254
_WORD_WEIGHT = 2.0


class HashingEmbedder:
    """Deterministic on every machine: sums of small whole numbers, scaled to length 1.

    Attributes:
        encoded: texts embedded so far, for tests that count work.
    """

    fingerprint = HASHING_FINGERPRINT
    description = "words and letter triples, no model"
    dimension = 256

    def __init__(self) -> None:
        self.encoded = 0

    def fits(self, text: str) -> int:
        """Count the characters before the 255th word."""
        over = next(islice(_WORD.finditer(text), _BUDGET, None), None)
        return len(text) if over is None else over.start()

    def count_truncated(self, texts: Sequence[str]) -> int:
        """Count the words beyond 254 a text."""
        return sum(max(0, len(_WORD.findall(text)) - _BUDGET) for text in texts)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts: float32, shape ``(len(texts), 256)``, rows of length 1."""
        vectors = np.zeros((len(texts), self.dimension))
        for row, text in zip(vectors, texts, strict=True):
            # A text of signs alone has no words, and a vector must not be zero.
            words = _WORD.findall(text.lower())[:_BUDGET] or [text.strip()]
            for word in words:
                slots, weights = _features(word)
                np.add.at(row, slots, weights)
            if not row.any():
                row[0] = 1.0
        self.encoded += len(texts)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: NDArray[np.float32] = (vectors / lengths).astype(np.float32)
        return unit


@lru_cache(maxsize=1 << 16)
def _features(word: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Give slots in the vector and signed weights of a word and of its letter triples."""
    framed = f"^{word}$"
    parts = [f"={word}", *(framed[i : i + 3] for i in range(len(framed) - 2))]
    hashes = np.array([crc32(part.encode("utf-8")) for part in parts], dtype=np.int64)
    weights = np.where(hashes & (1 << 31), -1.0, 1.0)
    weights[0] *= _WORD_WEIGHT
    return hashes % HashingEmbedder.dimension, weights
