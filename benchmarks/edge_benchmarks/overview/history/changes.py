"""Where a short series of results changed its level: segmentation by permutation tests on ranks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_benchmarks.statistics.distributions import average_ranks

FALSE_ALARM = 0.002
"""Chance that a series without change is said to have one: a report holds tens of series, and each is looked at anew
with every result. It also says how many results are needed: with 14, seven before and seven after show a change."""

PERMUTATIONS = 4_999

SMALLEST_SIDE = 2
"""Results on each side: a single odd one is no new level."""


@dataclass(frozen=True)
class ChangePoint:
    """A place where a series took another level."""

    index: int
    """First result of the new level."""
    before: float
    """Median of the level before."""
    after: float
    p_value: float

    @property
    def ratio(self) -> float:
        """The new level over the old one; infinite where that was zero."""
        return self.after / self.before if self.before else float("inf")


def find_changes(series: ArrayLike, false_alarm: float = FALSE_ALARM, seed: int = 0) -> list[ChangePoint]:
    """Return every place where the level changed, in order.

    The whole series is tested first, and where it changed, each part again (binary segmentation). The statistic is the
    largest standardized difference of mean ranks over all places, so that a change near an end counts too; its
    distribution without change is that of the same ranks in random order, which is exact for results that do not depend
    on their neighbors.

    Args:
        series: One value a result, in the order in which they were made.
        false_alarm: Chance of a finding in a series without change.
        seed: Of the random orders.
    """
    values = np.asarray(series, dtype=np.float64)
    if not len(values):
        return []
    places: dict[int, float] = {}
    _split(values, 0, false_alarm, np.random.default_rng(seed), places)
    ordered = sorted(places)
    edges = [0, *ordered, len(values)]
    levels = [float(np.median(values[start:end])) for start, end in pairwise(edges)]
    return [
        ChangePoint(index, before, after, places[index])
        for index, before, after in zip(ordered, levels[:-1], levels[1:], strict=True)
    ]


def _split(
    values: NDArray[np.float64], offset: int, false_alarm: float, rng: np.random.Generator, found: dict[int, float]
) -> None:
    n = len(values)
    # The surest split of all has this chance in a random order; under it nothing can be found.
    if n < 2 * SMALLEST_SIDE or 2 / comb(n, n // 2) > false_alarm:
        return
    ranks = average_ranks(values) - (n + 1) / 2
    if not ranks.any():
        return
    statistic = _standardized(ranks[np.newaxis])[0]
    index = int(np.argmax(statistic)) + SMALLEST_SIDE
    shuffled = rng.permuted(np.tile(ranks, (PERMUTATIONS, 1)), axis=1)
    reached = int((_standardized(shuffled).max(axis=1) >= statistic.max() - 1e-9).sum())
    p_value = (reached + 1) / (PERMUTATIONS + 1)
    if p_value >= false_alarm:
        return
    found[offset + index] = p_value
    _split(values[:index], offset, false_alarm, rng, found)
    _split(values[index:], offset + index, false_alarm, rng, found)


def _standardized(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for each row and each place how far the ranks before it lie from the middle, in units of chance."""
    n = ranks.shape[1]
    before = np.arange(SMALLEST_SIDE, n - SMALLEST_SIDE + 1)
    sums = np.cumsum(ranks, axis=1)[:, before - 1]
    standardized: NDArray[np.float64] = np.abs(sums) / np.sqrt(before * (n - before))
    return standardized
