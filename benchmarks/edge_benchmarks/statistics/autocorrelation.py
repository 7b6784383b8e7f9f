"""How many independent samples a series of dependent ones is worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats


def effective_sample_size(samples: ArrayLike) -> float:
    """Return the number of independent samples that carry as much information about a quantile as `samples` do.

    It is `n / (1 + 2 * sum of the autocorrelations)`, from the ranks, so that a rare slow call counts as one rank and
    not as its size. The sum ends at the first lag whose autocorrelation a series without any would exceed in 5 % of
    cases, so a series without dependence keeps its `n`. For a normal AR(1) series this is less than the true value
    at every quantile (that of an indicator series), so intervals built on it are wide rather than narrow.

    Args:
        samples: A series in the order in which it was measured, one-dimensional.

    Returns:
        At most `n`, at least 1 for a series that is not empty; negative dependence is given no credit.
    """
    values = np.asarray(samples, dtype=np.float64)
    return float(len(values) / autocorrelation_time(values)) if len(values) else 0.0


def autocorrelation_time(values: NDArray[np.float64]) -> float:
    """Return the factor, at least 1, by which dependence inflates the variance of a mean or quantile."""
    n = len(values)
    if n < 4:
        return 1.0
    # Centering on (n + 1) / 2 keeps the ranks exact, so that a series and its mirror give the same number.
    ranks = stats.rankdata(values) - (n + 1) / 2
    power = float(ranks @ ranks)
    if power == 0:
        return 1.0
    noise = float(stats.norm.ppf(0.95)) / np.sqrt(n)
    total = 0.0
    for lag in range(1, n // 2):
        correlation = float(ranks[:-lag] @ ranks[lag:]) / power
        if correlation <= noise:
            break
        total += correlation
    return min(1.0 + 2.0 * total, float(n))
