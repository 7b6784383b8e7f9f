"""Did the thing change while it was being measured? A robust test for a step or a drift in a series."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from edge_benchmarks.statistics.autocorrelation import autocorrelation_time

FALSE_ALARM = 0.002
"""Nominal chance that a series without change is said to have one. The project's limit is 2 %, and neighbors that
depend on each other (AR(1) of 0.5, 40 samples) bring this one close to it."""

MINIMUM_LENGTH = 12
"""Under this no test of a change has any power."""


@dataclass(frozen=True)
class Change:
    """The most likely place where a series changed its level."""

    index: int
    """First sample of the new level."""
    before: float
    """Median up to there."""
    after: float
    p_value: float


def find_change(series: ArrayLike, false_alarm: float = FALSE_ALARM) -> Change | None:
    """Return where a series steps or drifts from one level to another, or None where it stays.

    Pettitt's test (Pettitt 1979): the largest excursion of the cumulated ranks. Ranks make it blind to a few slow
    calls. Dependence between neighbors, measured within the two levels so that the change itself does not count as
    dependence, lowers the statistic by the inflation of its variance.

    Args:
        series: Samples in the order in which they were measured.
        false_alarm: Chance of a finding in a series without change.
    """
    values = np.asarray(series, dtype=np.float64)
    n = len(values)
    if n < MINIMUM_LENGTH:
        return None
    excursion = np.abs(np.cumsum(stats.rankdata(values) - (n + 1) / 2))[:-1]
    index = int(np.argmax(excursion)) + 1
    before, after = float(np.median(values[:index])), float(np.median(values[index:]))
    level = np.where(np.arange(n) < index, before, after)
    inflation = autocorrelation_time(values - level)
    # Pettitt's K is twice this excursion; his approximation of the tail errs to the safe side.
    statistic = 2.0 * float(excursion[index - 1])
    p_value = min(2.0 * math.exp(-6.0 * statistic**2 / ((n**3 + n**2) * inflation)), 1.0)
    return Change(index, before, after, p_value) if p_value < false_alarm else None
