"""Did a series stay at one level? Finds stretches that lie elsewhere: a step, a drift, a bump, or a throttled clock."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_benchmarks.statistics.autocorrelation import autocorrelation_time
from edge_benchmarks.statistics.distributions import average_ranks
from edge_benchmarks.statistics.stationarity import MINIMUM_LENGTH, detrended

FALSE_ALARM = 0.0005
"""Nominal chance that a series without change is said to have one, shared by all the windows that are looked at."""

SMALLEST_SHARE = 0.10
"""Share of the series that must lie elsewhere: shorter disturbances are its tail, which its percentiles show."""

SMALLEST_WINDOW = 100
"""Samples; in fewer, dependence between neighbors cannot be told from a change."""

MOST_WINDOWS = 8
"""Into which the series is cut: a clock that is throttled again and again has no one place where it changed."""


@dataclass(frozen=True)
class Stretch:
    """Where a series lies on another level than around it."""

    start: int
    stop: int
    inside: float
    """Median from `start` to `stop`."""
    outside: float
    """Median of the rest of the window that was looked at."""
    p_value: float

    @property
    def change(self) -> float:
        """How far the stretch lies over its surroundings."""
        return self.inside - self.outside


def find_stretch(series: ArrayLike, smallest_change: float) -> Stretch | None:
    """Return the longest stretch at another level, or None where the series stays.

    The test is Kuiper's: the range of the cumulated ranks, between whose ends the stretch lies. Unlike Pettitt's it
    sees a bump as well as a step. Ranks make it blind to a few slow calls; dependence between neighbors is taken out as
    in `find_change`. The series is looked at whole, and in 2, 4 and 8 windows, in which a repeated change shows.

    Args:
        series: Samples in the order in which they were measured.
        smallest_change: Differences of medians up to this one do not count, however sure they are.
    """
    values = np.asarray(series, dtype=np.float64)
    for count in _window_counts(len(values)):
        edges = np.linspace(0, len(values), count + 1).astype(int)
        found = [_stretch(values, start, stop) for start, stop in pairwise(edges)]
        sure = [
            one
            for one in found
            if one.p_value < FALSE_ALARM / (2 * count) and abs(one.inside - one.outside) > smallest_change
        ]
        width = len(values) // count
        elsewhere = sum(min(one.stop - one.start, width - (one.stop - one.start)) for one in sure)
        if sure and elsewhere >= SMALLEST_SHARE * len(values):
            return max(sure, key=lambda one: one.stop - one.start)
    return None


def _window_counts(n: int) -> Iterator[int]:
    count = 1
    while count <= MOST_WINDOWS and (n >= SMALLEST_WINDOW * count or count == 1):
        yield count
        count *= 2


def _stretch(values: NDArray[np.float64], begin: int, end: int) -> Stretch:
    """Return the most likely stretch of one window."""
    window = values[begin:end]
    n = len(window)
    if n < MINIMUM_LENGTH:
        return Stretch(begin, end, 0.0, 0.0, 1.0)
    ranks = average_ranks(window) - (n + 1) / 2
    walk = np.concatenate([[0.0], np.cumsum(ranks)])
    start, stop = sorted((int(np.argmin(walk)), int(np.argmax(walk))))
    parts = [part for part in (ranks[:start], ranks[start:stop], ranks[stop:]) if len(part)]
    inflation = autocorrelation_time(np.concatenate([detrended(part) for part in parts]))
    spread = math.sqrt(float(ranks @ ranks) * inflation)
    statistic = float(np.ptp(walk)) / spread if spread else 0.0
    around = np.concatenate([window[:start], window[stop:]])
    if not len(around) or stop == start:
        return Stretch(begin, end, 0.0, 0.0, 1.0)
    inside, outside, p_value = float(np.median(window[start:stop])), float(np.median(around)), _kuiper_tail(statistic)
    if start == 0:  # what comes later is what changed
        return Stretch(begin + stop, end, outside, inside, p_value)
    return Stretch(begin + start, begin + stop, inside, outside, p_value)


def _kuiper_tail(statistic: float) -> float:
    """Return the chance of so large a range of a Brownian bridge (Kuiper 1960, eq. 3)."""
    if statistic < 1.0:
        return 1.0
    terms = (2 * (4 * k**2 * statistic**2 - 1) * math.exp(-2 * k**2 * statistic**2) for k in range(1, 6))
    return min(sum(terms), 1.0)
