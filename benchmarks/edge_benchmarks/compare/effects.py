"""By how much NEW differs from BASE and how sure that is: an estimate with its intervals and its tests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edge_benchmarks.accuracy.paired import Paired
from edge_benchmarks.statistics.proportions import CONFIDENCE


class Effect(Protocol):
    """A difference on a scale where 0 is none: the logarithm of a ratio, or a difference of shares."""

    @property
    def estimate(self) -> float:
        """NEW against BASE."""
        ...

    @property
    def n(self) -> int:
        """Independent units that it rests on: pairs of processes, runs, items."""
        ...

    @property
    def exact(self) -> bool:
        """Whether there is no chance in it, as in sizes."""
        ...

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Return the ends of a two-sided interval; infinite where nothing bounds it."""
        ...

    def p_value(self, null: float) -> float:
        """Return how likely so large a deviation would be if the true effect were `null`, two-sided."""
        ...


@dataclass(frozen=True)
class Student:
    """A mean with its standard error, judged by Student's t: a few independent units of about normal noise."""

    estimate: float
    standard_error: float
    """0 where there is no chance in it; infinite where nothing tells how much."""
    df: float
    """Degrees of freedom of the standard error."""
    n: int

    @property
    def exact(self) -> bool:
        """Whether there is no chance in it, as in sizes."""
        return math.isinf(self.df) and self.standard_error == 0

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Return the ends of Student's interval."""
        from scipy import stats

        if math.isinf(self.standard_error):
            return -math.inf, math.inf
        reach = float(stats.t.ppf((1 + confidence) / 2, self.df)) * self.standard_error if self.standard_error else 0.0
        return self.estimate - reach, self.estimate + reach

    def p_value(self, null: float) -> float:
        """Return the two-sided p-value of Student's test."""
        from scipy import stats

        distance = abs(self.estimate - null)
        if self.standard_error == 0:
            return 0.0 if distance > 0 else 1.0
        return float(2 * stats.t.sf(distance / self.standard_error, self.df))


@dataclass(frozen=True)
class Shares:
    """A difference of two shares of right answers about the same items."""

    paired: Paired
    exact = False

    @property
    def estimate(self) -> float:
        """NEW's accuracy minus BASE's."""
        return -self.paired.drop

    @property
    def n(self) -> int:
        """Items."""
        return len(self.paired.losses)

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Return both one-sided bounds, each at half the doubt."""
        each = (1 + confidence) / 2
        return -self.paired.upper_bound(each), -self.paired.lower_bound(each)

    def p_value(self, null: float) -> float:
        """Return twice the smaller one-sided p-value; of no effect at all that of McNemar's exact test."""
        from scipy import stats

        if null == 0 and self.paired.clusters is None:
            changed = self.paired.worse + self.paired.better
            return float(stats.binomtest(self.paired.worse, changed).pvalue) if changed else 1.0
        gains = Paired(-self.paired.losses, self.paired.clusters)
        return min(2 * min(self.paired.p_value(-null), gains.p_value(null)), 1.0)


def of_pairs(log_ratios: Sequence[float], trim: float = 0.0) -> Student:
    """Return the effect that the log ratios of independent pairs of processes show.

    The spread between the pairs holds all that varies: calls, blocks, and what a process keeps for its whole life.

    Args:
        log_ratios: Of NEW over BASE, one a pair.
        trim: Share of the pairs at either end that shall not move the estimate, for what is one moment long and may be
            hit by something else: the trimmed mean with Yuen's standard error (Yuen 1974), which still counts them as
            pairs that were far out.
    """
    values = np.sort(np.asarray(log_ratios, dtype=np.float64))
    n = len(values)
    cut = int(trim * n)
    kept = n - 2 * cut
    if kept < 2:
        return Student(float(np.median(values)) if n else 0.0, math.inf, 1.0, n)
    # Summed exactly, so that exchanging the sides turns the sign to the last bit.
    winsorized = values.clip(values[cut], values[n - cut - 1])
    middle = math.fsum(winsorized) / n
    variance = math.fsum((winsorized - middle) ** 2) / (n - 1)
    error = math.sqrt(variance * n) / kept * (_FEW_PAIRS if cut else 1.0)
    return Student(math.fsum(values[cut : n - cut]) / kept, error, kept - 1.0, n)


_FEW_PAIRS = 1.2
"""By simulation: with this factor the trimmed interval of 8 pairs covers 94.9 % of normal and 96.8 % of disturbed ones
(15 % of the starts delayed by half), where Yuen's own covers 92.4 and 95.0 %."""


def of_exact(base: float, new: float) -> Student:
    """Return the effect on a number without chance in it, such as a size."""
    return Student(_log_ratio(base, new), 0.0, math.inf, 1)


def _log_ratio(base: float, new: float) -> float:
    if base == new:
        return 0.0
    return math.inf if base <= 0 else -math.inf if new <= 0 else math.log(new) - math.log(base)
