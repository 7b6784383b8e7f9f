"""How many independent samples a series of dependent ones is worth, for each quantile its own number."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_benchmarks.statistics.distributions import average_ranks, normal_quantile

Floats = NDArray[np.float64]

_NOISE = normal_quantile(0.95)
"""Times `1 / sqrt(n)`: what a first autocorrelation exceeds in 5 % of series without dependence."""

_DOUBT = 2.0
"""Standard errors of a tail's own sum up to which the ranks are believed rather than the tail."""


def effective_sample_size(samples: ArrayLike, q: float = 0.5) -> float:
    """Return the number of independent samples that tell as much about quantile `q` as `samples` do.

    By Bahadur's representation, which holds for dependent series too (Sen 1968), an estimate of a quantile varies as
    the mean of the indicator series `1{X <= x_q}` does, so what counts is `n / (1 + 2 * sum of its autocorrelations)`
    and not the dependence of the values. A clock that wanders slowly costs the median most of its samples; short
    delays that come from elsewhere make the tail, and lose few.

    A tail holds few events, so its indicator alone sees slow waves too late: intervals of p90 and p99 then cover as
    little as 73 % where they say 95 %. The sum is therefore conservative:

    - It ends where the ranks or the indicator become uncorrelated, whichever is later: the ranks see furthest. The
      end is the first pair of lags whose sum is not positive (Geyer 1992). A series whose first lags are within noise
      counts in full.
    - It is at least what a Gaussian series with these rank autocorrelations has at this quantile, but at most two
      standard errors over the tail's own sum: where the tail is plainly independent of the waves, it is believed.
    - It is enlarged by `1 + 2 * (2 * lags + 1) / n`. Half of that restores what removing the mean takes away (Wolff
      2004, eq. 49), half allows for the noise of the sum, as Student's t does for that of a variance.
    - Negative dependence is given no credit.

    Args:
        samples: A series in the order in which it was measured, one-dimensional.
        q: The quantile, strictly between 0 and 1.

    Returns:
        At most `n`, at least 1 for a series that is not empty.
    """
    values = np.asarray(samples, dtype=np.float64)
    return float(len(values) / _quantile_time(values, q)) if len(values) else 0.0


def autocorrelation_time(values: Floats) -> float:
    """Return the factor, at least 1, by which dependence inflates the variance of a mean rank."""
    n = len(values)
    if n < 4:
        return 1.0
    correlations = _autocorrelations(_centered_ranks(values))[1 : n // 2]
    within_noise = np.flatnonzero(correlations <= _NOISE / np.sqrt(n))
    lags = int(within_noise[0]) if len(within_noise) else len(correlations)
    return min(1.0 + 2.0 * float(correlations[:lags].sum()), float(n))


def _quantile_time(values: Floats, q: float) -> float:
    """Return the factor by which dependence inflates the variance of a quantile's estimate; see above."""
    n = len(values)
    if n < 4:
        return 1.0
    ranks = _centered_ranks(values)
    rank_correlations = _autocorrelations(ranks)
    # Compared by rank, so that a series and its mirror give the same number to the bit, ties included.
    correlations = _autocorrelations(np.sign(ranks - (q - 0.5) * (n - 1)))
    rank_lags, own_lags = _last_lag(rank_correlations), _last_lag(correlations)
    lags = max(rank_lags, own_lags)
    if lags == 0:
        return 1.0
    own = max(1.0, _sum(correlations, own_lags), _sum(correlations, lags))
    share = (2 * lags + 1) / n
    # The relative variance of such a sum is twice this share (Wolff 2004, eq. 42, for few correlations).
    believed = own * (1.0 + _DOUBT * np.sqrt(2.0 * share))
    gaussian = _sum(_gaussian_indicator(rank_correlations[: rank_lags + 1], q), rank_lags)
    time = max(own, min(gaussian, believed)) * (1.0 + 2.0 * share)
    return min(float(time), float(n))


def _centered_ranks(values: Floats) -> Floats:
    # Centering on (n + 1) / 2 keeps the ranks exact, so that a series and its mirror give the same number.
    ranks: Floats = average_ranks(values) - (len(values) + 1) / 2
    return ranks


def _autocorrelations(series: Floats) -> Floats:
    """Return the autocorrelation of every lag from 0 on; of a constant series 1 and then zeros."""
    n = len(series)
    # Twice as long, so that the end does not meet the start; a power of two, which is quick.
    length = 2 ** int(2 * n - 1).bit_length()
    spectrum = np.fft.rfft(series - series.mean(), length)
    products = np.fft.irfft(spectrum.real**2 + spectrum.imag**2, length)[:n]
    constant = products[0] <= 1e-12 * n
    correlations: Floats = np.eye(1, n)[0] if constant else products / products[0]
    return correlations


def _last_lag(correlations: Floats) -> int:
    """Return the lag before the first pair of lags without a positive sum; 0 for a series without dependence."""
    n = len(correlations)
    noise = _NOISE / np.sqrt(n)
    if correlations[1] <= noise and correlations[1] + correlations[2] <= np.sqrt(2.0) * noise:
        return 0
    pairs = correlations[1 : n // 2 - n // 2 % 2 + 1].reshape(-1, 2).sum(axis=1)
    done = np.flatnonzero(pairs <= 0)
    return max(1, 2 * int(done[0] if len(done) else len(pairs)))


def _sum(correlations: Floats, lags: int) -> float:
    return float(1.0 + 2.0 * correlations[1 : lags + 1].sum())


def _gaussian_indicator(rank_correlations: Floats, q: float) -> Floats:
    """Return what the indicator of quantile `q` has, in a Gaussian series with these rank correlations."""
    angles, correlations = _gaussian_table(q)
    # Pearson's 1907 relation of Spearman's to the product-moment correlation; the table is over its arcsine.
    moments = 2.0 * np.sin(np.pi / 6.0 * np.clip(rank_correlations, -1.0, 1.0))
    found: Floats = np.interp(np.arcsin(moments), angles, correlations)
    return found


@functools.lru_cache(maxsize=16)
def _gaussian_table(q: float) -> tuple[Floats, Floats]:
    """Return arcsines of correlations of two normals, and the correlations of their indicators at quantile `q`.

    The chance that both lie below z has the derivative `exp(-z^2 / (1 + sin t)) / (2 pi)` in the arcsine t of their
    correlation (Sheppard 1899, Plackett 1954).
    """
    z = normal_quantile(q)
    angles = np.linspace(-np.pi / 2, np.pi / 2, 2001)
    density = np.exp(-(z**2) / np.maximum(1.0 + np.sin(angles), 1e-300)) / (2.0 * np.pi * q * (1.0 - q))
    steps = (density[1:] + density[:-1]) / 2 * np.diff(angles)
    chance = np.concatenate([[0.0], np.cumsum(steps)])
    return angles, chance - chance[len(angles) // 2]
