"""Whether a difference between two recipes is more than the luck of these queries."""

from collections.abc import Sequence
from typing import Any

_SAMPLES = 9_999
_SEED = 0


def paired_difference(first: Sequence[float], second: Sequence[float]) -> dict[str, Any]:
    """How much better the second recipe does, and how sure that is.

    Args:
        first: a figure for each query.
        second: the same queries' figures under the other recipe.

    Returns:
        ``difference``, the mean of second - first; ``interval``, 95 % by bootstrap over the
        queries; ``p``, two-sided, by permutation of the signs: how often chance alone would give
        as large a difference.
    """
    import numpy as np
    from scipy import stats

    differences = np.asarray(second, dtype=float) - np.asarray(first, dtype=float)
    mean = float(differences.mean())
    if not differences.any() or len(differences) < 2:
        return {"difference": mean, "interval": [mean, mean], "p": 1.0}
    permuted = stats.permutation_test(
        (differences,),
        np.mean,
        permutation_type="samples",
        n_resamples=_SAMPLES,
        vectorized=True,
        rng=np.random.default_rng(_SEED),
    )
    resampled = stats.bootstrap(
        (differences,),
        np.mean,
        n_resamples=_SAMPLES,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    )
    low, high = resampled.confidence_interval
    return {"difference": mean, "interval": [float(low), float(high)], "p": float(permuted.pvalue)}
