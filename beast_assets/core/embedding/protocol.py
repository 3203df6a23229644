"""What the engine asks of an embedding model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors; two embedders of one fingerprint give the same vectors."""

    @property
    def fingerprint(self) -> str:
        """Weights, tokenizer, pooling, normalisation and class of precision, in one line."""

    @property
    def description(self) -> str:
        """What computes, in which precision, and why, in words for people."""

    @property
    def dimension(self) -> int:
        """Numbers in a vector."""

    def fits(self, text: str) -> int:
        """Count the leading characters that the model reads whole: ``len(text)`` if all."""

    def count_truncated(self, texts: Sequence[str]) -> int:
        """Count the tokens that the model would not read, over all these texts."""

    def encode(self, texts: Sequence[str]) -> "Vectors":
        """Embed texts.

        Returns:
            float32, shape ``(len(texts), dimension)``, each row of length 1.

        Raises:
            ModelError: the model is absent, altered or unusable.
        """
