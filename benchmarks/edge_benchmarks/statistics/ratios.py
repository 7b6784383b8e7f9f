"""How many times slower: the median ratio of paired durations, with an interval that treats both sides alike."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from edge_benchmarks.statistics.percentiles import percentile_interval
from edge_benchmarks.statistics.proportions import CONFIDENCE
from edge_benchmarks.verdicts import Interval


def median_ratio(candidate: ArrayLike, baseline: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """Return the median of `candidate / baseline` over pairs, with a distribution-free interval.

    It is worked out on logarithms, where exchanging the two sides only turns signs, so the ratio and its bounds are
    then inverted exactly. Fewer than 6 independent pairs bound nothing: the interval is then 0 to infinity.

    Args:
        candidate: Durations, positive, in the order in which they were measured.
        baseline: Durations of the same length; element `i` was measured beside `candidate[i]`.
        confidence: Nominal coverage.
    """
    logs = log_ratios(candidate, baseline)
    interval = percentile_interval(logs, 0.5, confidence)
    if interval is None:
        estimate = float(np.median(logs)) if len(logs) else math.nan
        return Interval(math.exp(estimate), 0.0, math.inf, confidence)
    return Interval(math.exp(interval.estimate), math.exp(interval.low), math.exp(interval.high), confidence)


def log_ratios(candidate: ArrayLike, baseline: ArrayLike) -> np.ndarray:
    """Return `log(candidate) - log(baseline)`: the negative, to the bit, of the same with the sides exchanged."""
    return np.log(np.asarray(candidate, dtype=np.float64)) - np.log(np.asarray(baseline, dtype=np.float64))
