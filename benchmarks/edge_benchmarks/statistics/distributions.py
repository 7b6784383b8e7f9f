"""The few distributions that timing needs, from numpy and the standard library: a device has no scipy."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def normal_quantile(share: float) -> float:
    """Return the value under which the standard normal distribution lies with chance `share`."""
    return NormalDist().inv_cdf(share)


def average_ranks(values: ArrayLike) -> Floats:
    """Return the rank of each value, from 1; equal values share the mean of their ranks."""
    _, place, counts = np.unique(np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks


def binomial_tails(n: int, q: float) -> tuple[Floats, Floats]:
    """Return the chances of at most k and of more than k successes in `n` trials of chance `q`, for k from 0 to `n`.

    Each tail is summed from its own end, so that neither loses digits to the other.
    """
    log_factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])
    k = np.arange(n + 1)
    log_chances = log_factorials[n] - log_factorials[k] - log_factorials[n - k] + k * np.log(q) + (n - k) * np.log1p(-q)
    chances = np.exp(log_chances)
    at_least: Floats = np.cumsum(chances[::-1])[::-1]
    at_most: Floats = np.cumsum(chances)
    return at_most, np.append(at_least[1:], 0.0)
