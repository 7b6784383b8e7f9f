"""Shares and their bounds: one proportion, and the drop between two proportions of the same items."""

from __future__ import annotations

import math
from collections.abc import Callable

from edge_benchmarks.statistics.distributions import normal_quantile
from edge_benchmarks.verdicts import Interval
from edge_runtime.errors import InputError

CONFIDENCE = 0.95
"""Nominal coverage of every interval and bound of this project."""

POWER = 0.8
"""Share of good candidates that a budget called resolvable lets pass."""

_MOST_ITEMS = 100_000_000
"""More items than anyone will label; a question that needs more has no practical answer."""


def wilson_interval(successes: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the two-sided Wilson score interval of a share (Wilson 1927).

    Args:
        successes: Items that have the property, 0 to `n`.
        n: Items, at least 1.
        confidence: Nominal coverage.

    Raises:
        InputError: no items, or more successes than items.
    """
    if not 0 <= successes <= n or n < 1:
        raise InputError(f"{successes} of {n} items is no share; give at least one item")
    from scipy import stats

    interval = stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    return Interval(successes / n, float(interval.low), float(interval.high), confidence)


def tango_upper_bound(worse: int, better: int, n: int, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided upper bound of a paired drop in accuracy, by Tango's score test (Tango 1998, eq. 3-5).

    The bound is the largest drop that a one-sided score test at level `1 - confidence` does not reject. Where no
    answer got better, the drop is a plain share; its score bound covers as little as 93.6 % there, so the exact
    (Clopper-Pearson) bound is taken instead. That makes 299 items without a change bound the drop at 1 point.

    Args:
        worse: Items that the baseline had right and the candidate wrong.
        better: Items that the candidate had right and the baseline wrong.
        n: Items judged.
        confidence: Nominal coverage of the one-sided bound.

    Returns:
        The bound as a share of `n`: 0.01 is one point. It can be negative, where the candidate is surely better.

    Raises:
        InputError: no items, or more changes than items.
    """
    if min(worse, better) < 0 or n < 1 or worse + better > n:
        raise InputError(f"{worse} worse and {better} better of {n} items is no paired count; give at least one item")
    return upper_bound_of_drop(worse, better, n, confidence)


def tango_lower_bound(worse: int, better: int, n: int, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided lower bound of a paired drop: the upper bound of the gain, with its sign turned."""
    return -tango_upper_bound(better, worse, n, confidence)


def items_to_decide(
    worse: float, better: float, n: float, max_drop: float, confidence: float = CONFIDENCE
) -> int | None:
    """Return about how many items would decide whether the drop is within `max_drop`, at this rate of changes.

    Counts need not be whole: clustered items are worth fewer.

    Args:
        worse: Items that the baseline had right and the candidate wrong, of the `n` judged so far.
        better: Items that the candidate had right and the baseline wrong.
        n: Items judged so far.
        max_drop: The budget, as a share.
        confidence: Nominal coverage of the bounds that decide.

    Returns:
        A number of items in all, at least `n`; None where the observed drop is the budget itself, so that no
        practical number would decide.
    """
    within = (worse - better) / n <= max_drop
    lost, won, budget = (worse, better, max_drop) if within else (better, worse, -max_drop)

    def undecided(log_items: float) -> float:
        items = math.exp(log_items)
        return upper_bound_of_drop(lost * items / n, won * items / n, items, confidence) - budget

    first, last = math.log(n), math.log(max(_MOST_ITEMS, 2 * n))
    if undecided(last) > 0:
        return None
    if undecided(first) <= 0:
        return math.ceil(n)
    return math.ceil(math.exp(_root(undecided, first, last)))


def smallest_resolvable_drop(n: int, changed_rate: float = 0.01, confidence: float = CONFIDENCE) -> float:
    """Return the smallest drop budget that `n` items can show a candidate to keep, before anything is measured.

    It assumes a candidate that is as right as its baseline and changes `changed_rate` of the answers, half of them
    for the better, and asks for a pass in four of five such candidates (`POWER`).

    Args:
        n: Items in the test set, at least 1.
        changed_rate: Share of answers that quantization changes from right to wrong or back; 1 % is usual for int8.
        confidence: Nominal coverage of the bound that will decide.

    Returns:
        A share: 0.01 is one point.
    """
    if n < 1 or not 0 <= changed_rate <= 1:
        raise InputError(
            f"{n} items with {changed_rate} of their answers changed: give at least one item, a rate in 0..1"
        )
    changed = n * changed_rate
    # Worse minus better has the variance `changed`; this much bad luck is exceeded in one of five candidates.
    unlucky = min(normal_quantile(POWER) * math.sqrt(changed), changed)
    return upper_bound_of_drop((changed + unlucky) / 2, (changed - unlucky) / 2, n, confidence)


def exact_upper_bound(successes: float, n: float, confidence: float = CONFIDENCE) -> float:
    """Return the one-sided upper bound of a share by Clopper and Pearson (1934); the counts need not be whole."""
    from scipy import stats

    return float(stats.beta.ppf(confidence, successes + 1, n - successes)) if successes < n else 1.0


def drop_p_value(worse: float, better: float, n: float, drop: float) -> float:
    """Return how likely so bad a result would be if the true drop were `drop`: small means that it is larger.

    Tango's score test, or the exact binomial test where no answer got better, as in `tango_upper_bound`; the counts
    need not be whole.
    """
    from scipy import stats

    if better == 0:
        # The binomial tail as a beta distribution, which has no trouble with half an item.
        share = min(max(drop, 0.0), 1.0)
        return float(stats.beta.cdf(share, worse, n - worse + 1)) if worse > 0 else 1.0
    return float(stats.norm.sf(_score(worse, better, n, drop)))


def upper_bound_of_drop(worse: float, better: float, n: float, confidence: float) -> float:
    """Return Tango's bound for counts that need not be whole, so that expected counts can be asked about."""
    if better == 0:
        return exact_upper_bound(worse, n, confidence)
    z = normal_quantile(confidence)
    drop = (worse - better) / n

    def excess(delta: float) -> float:
        return _score(worse, better, n, delta) + z

    # The score is 0 at the observed drop and falls beyond every bound towards a drop of 1.
    highest = math.nextafter(1.0, 0.0)
    return _root(excess, drop, highest) if excess(highest) < 0 else 1.0


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where `function`, of unlike signs at the two ends, is zero."""
    from scipy import optimize

    return float(optimize.root_scalar(function, bracket=(low, high), xtol=1e-12, method="brentq").root)


def _score(worse: float, better: float, n: float, delta: float) -> float:
    """Return Tango's score statistic of the hypothesis that the true drop is `delta`."""
    # The share of items that got better is the nuisance parameter; its maximum likelihood estimate when the drop is
    # held at delta is the larger root of a p^2 + b p + c = 0.
    a = 2.0 * n
    b = -worse - better + (2.0 * n - worse + better) * delta
    c = -better * delta * (1.0 - delta)
    root = math.sqrt(max(b * b - 4.0 * a * c, 0.0))
    # Both forms are the same root; the second loses no digits when b is positive and 4ac small.
    nuisance = (root - b) / (2.0 * a) if b < 0 else (-2.0 * c / (root + b) if root + b > 0 else 0.0)
    variance = n * (2.0 * nuisance + delta * (1.0 - delta))
    difference = worse - better - n * delta
    if variance <= 0:
        return 0.0 if difference == 0 else math.copysign(math.inf, difference)
    return difference / math.sqrt(variance)
