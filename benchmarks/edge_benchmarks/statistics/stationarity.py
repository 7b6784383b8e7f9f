"""Did the thing change while it was being measured? A robust test for a step or a drift in a series."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_benchmarks.statistics.autocorrelation import autocorrelation_time
from edge_benchmarks.statistics.distributions import average_ranks

FALSE_ALARM = 0.001
"""Nominal chance that a series without change is said to have one. The project's limit is 2 %, and short series whose
neighbors depend on each other (40 samples of AR(1) with 0.5) come close to it: their dependence is underestimated."""

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
    calls. Dependence between neighbors lowers the statistic by the inflation of its variance; it is measured around a
    line through each of the two parts, so that the change itself does not count as dependence.

    Args:
        series: Samples in the order in which they were measured.
        false_alarm: Chance of a finding in a series without change.
    """
    values = np.asarray(series, dtype=np.float64)
    n = len(values)
    if n < MINIMUM_LENGTH:
        return None
    ranks = average_ranks(values) - (n + 1) / 2
    excursion = np.abs(np.cumsum(ranks))[:-1]
    index = int(np.argmax(excursion)) + 1
    before, after = float(np.median(values[:index])), float(np.median(values[index:]))
    inflation = autocorrelation_time(np.concatenate([detrended(ranks[:index]), detrended(ranks[index:])]))
    # Pettitt's K is twice this excursion; his approximation of the tail errs to the safe side.
    statistic = 2.0 * float(excursion[index - 1])
    p_value = min(2.0 * math.exp(-6.0 * statistic**2 / ((n**3 + n**2) * inflation)), 1.0)
    return Change(index, before, after, p_value) if p_value < false_alarm else None


def detrended(part: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what is left of `part` when its best straight line is taken away."""
    place = np.arange(len(part)) - (len(part) - 1) / 2
    power = float(place @ place)
    slope = float(place @ part) / power if power else 0.0
    line: NDArray[np.float64] = part.mean() + slope * place
    return part - line
