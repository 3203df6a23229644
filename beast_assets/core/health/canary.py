"""A sentence whose vector is known."""

import base64
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SENTENCE: Final = "The quick brown fox jumps over the lazy dog."
#: What any sound backend reaches for the built-in model; rounding costs .00003, bf16 .00002.
LEAST_COSINE: Final = 0.999
# Of sentence-transformers in fp32, all 384 numbers in 8 bits each, the largest as 127.
_KNOWN: Final = (
    "ICojOBPl/tX+ECIo5O0G7eblNdzW0hcQzejO3Daw9xvsCunGKgIcEyT/3xW3Jsf5Bwnj7AkwMfv84iX1Bx4PBxQN7c61"
    "/w3X9gAC7iPbLQvt390bHAEWDvfq7M/bDwgBDuDg/gkOVxHw6P4ARwz99v1FFQ/M7+CzMV7HBe/f6gA08MLN0sz87+wi"
    "xv8K6+iu+fgXKhhO5esl8M7x7yPm3uNQ9qsq0+sr/gsTEtH4FAcADuoFJd7SRTbs50kO5gLcbNTCBfY4DR4aoRrxCeUj"
    "9VfG3h7zMAMQ9t/k+yblMwBM3TIv3yX3F74k6Ar//EsAJvgRCdoXAC4cKjzy8Ljk1gHhEi7l+/66Dv8MMxgF2CXhIfoX"
    "IxXc2QDsGfEKFgr99cHP4TjN+w8KxwQ8UgE/4gv5+wjQHawuHdEOOic39gDgB8EfNQzjDT3lFhUuFfUN6AwYf/PV9u/g"
    "68D/7QTbPsUGHR5L/g4ECiDw9s/+6rQy4t7mICzR/PPT5BkoJShJ"
)


def known_vector() -> "NDArray[np.float64]":
    """The vector of ``SENTENCE`` by the built-in model: (384,), length 1."""
    import numpy as np

    found = np.frombuffer(base64.b64decode(_KNOWN), dtype=np.int8).astype(np.float64)
    vector: NDArray[np.float64] = found / np.linalg.norm(found)
    return vector
