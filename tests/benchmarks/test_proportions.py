"""Bounds of shares and of paired drops: published values, edge cases, and coverage worked out exactly."""

import math
from functools import cache

import numpy as np
import pytest
from scipy import stats

from edge_benchmarks.statistics import (
    items_to_decide,
    smallest_resolvable_drop,
    tango_lower_bound,
    tango_upper_bound,
    wilson_interval,
)
from edge_runtime.errors import InputError

CELLS = [(n, changed) for n in (300, 1_000, 10_000) for changed in (0.005, 0.01, 0.02)]
SHARES_WORSE = (0.5, 0.75, 1.0)
LOWEST_COVERAGE = 0.94

bound = cache(tango_upper_bound)


def test_tango_gives_the_published_interval():
    # Airway hyper-responsiveness before and after transplantation: 1 and 7 discordant of 21 pairs; the two-sided
    # 95 % interval of the difference is -0.517 to -0.026 (Fagerland, Lydersen and Laake 2014, table 7).
    assert tango_lower_bound(1, 7, 21, 0.975) == pytest.approx(-0.517, abs=5e-4)
    assert tango_upper_bound(1, 7, 21, 0.975) == pytest.approx(-0.026, abs=5e-4)


def test_the_bound_is_where_the_score_test_stops_rejecting():
    # Written out from the paper, with the nuisance parameter found by maximizing the likelihood numerically.
    worse, better, n = 12, 5, 700
    delta = tango_upper_bound(worse, better, n)
    grid = np.linspace(1e-6, (1 - delta) / 2 - 1e-9, 400_001)
    likelihood = (
        worse * np.log(grid + delta) + better * np.log(grid) + (n - worse - better) * np.log1p(-2 * grid - delta)
    )
    nuisance = grid[np.argmax(likelihood)]
    score = (worse - better - n * delta) / math.sqrt(n * (2 * nuisance + delta * (1 - delta)))
    assert score == pytest.approx(-stats.norm.ppf(0.95), abs=1e-3)


def test_no_changed_answer_bounds_the_drop_by_the_number_of_items():
    assert tango_upper_bound(0, 0, 299) <= 0.01 < tango_upper_bound(0, 0, 298)
    assert tango_upper_bound(0, 0, 150) <= 0.02


@pytest.mark.parametrize(("worse", "better", "n"), [(1, 0, 1), (0, 1, 1), (0, 50, 50), (50, 0, 50), (25, 25, 50)])
def test_extreme_counts_have_a_bound_between_the_drop_and_one(worse, better, n):
    assert (worse - better) / n <= tango_upper_bound(worse, better, n) <= 1


@pytest.mark.parametrize(("worse", "better", "n"), [(0, 0, 0), (-1, 0, 5), (3, 3, 5)])
def test_impossible_counts_are_refused(worse, better, n):
    with pytest.raises(InputError, match="paired count"):
        tango_upper_bound(worse, better, n)


def test_the_bound_grows_with_every_worse_answer_and_shrinks_with_every_better_one():
    bounds = [[tango_upper_bound(worse, better, 400) for better in range(8)] for worse in range(8)]
    assert (np.diff(bounds, axis=0) > 0).all()
    assert (np.diff(bounds, axis=1)[:, 1:] < 0).all()


def exact_coverage(n: int, changed: float, share_worse: float) -> float:
    """Sum the probability of every pair of counts whose bound holds; no draws, so no noise."""
    drop = changed * (2 * share_worse - 1)
    missed = 0.0
    for count in range(int(stats.binom.ppf(1 - 1e-9, n, changed)) + 1):
        worse = np.arange(count + 1)
        weights = stats.binom.pmf(count, n, changed) * stats.binom.pmf(worse, count, share_worse)
        likely = zip(worse[weights > 1e-11], weights[weights > 1e-11], strict=True)
        missed += sum(p for w, p in likely if bound(int(w), int(count - w), n) < drop - 1e-12)
    return 1 - missed


@pytest.mark.parametrize(("n", "changed"), [cell for cell in CELLS if cell[0] * cell[1] <= 20])
def test_the_bound_covers_exactly(n, changed):
    for share_worse in SHARES_WORSE:
        assert exact_coverage(n, changed, share_worse) >= LOWEST_COVERAGE, share_worse


@pytest.mark.slow
@pytest.mark.parametrize(("n", "changed"), CELLS)
def test_the_bound_covers_in_ten_thousand_draws(n, changed):
    rng = np.random.default_rng([n, round(changed * 1000)])
    for share_worse in SHARES_WORSE:
        chances = [changed * share_worse, changed * (1 - share_worse), 1 - changed]
        drop = chances[0] - chances[1]
        draws = rng.multinomial(n, chances, size=10_000)
        covered = np.mean([bound(int(worse), int(better), n) >= drop - 1e-12 for worse, better, _ in draws])
        print(f"n={n} changed={changed:.1%} worse={share_worse:.0%}: {covered:.2%}")
        assert covered >= LOWEST_COVERAGE, share_worse


def test_wilson_gives_the_published_interval():
    # 81 of 263 (Newcombe 1998, table I, method 3): 0.2553 to 0.3662.
    interval = wilson_interval(81, 263)
    assert (interval.low, interval.high) == (pytest.approx(0.2553, abs=5e-5), pytest.approx(0.3662, abs=5e-5))
    assert wilson_interval(0, 10).low == 0
    assert wilson_interval(10, 10).high == 1


def test_the_items_to_decide_do_decide():
    needed = items_to_decide(3, 2, 300, 0.01)
    assert needed is not None and needed > 300
    scale = needed / 300
    assert tango_upper_bound(math.floor(3 * scale), math.ceil(2 * scale), needed) <= 0.0101
    # A candidate that is worse by more than the budget is decided too: by a lower bound above it.
    doomed = items_to_decide(8, 1, 500, 0.01)
    assert doomed is not None and doomed > 500
    assert items_to_decide(0, 0, 100, 0.01) == 299
    assert items_to_decide(5, 0, 500, 0.01) is None


def test_a_resolvable_budget_lets_four_of_five_good_candidates_pass():
    rng = np.random.default_rng(0)
    n, rate = 2_000, 0.01
    budget = smallest_resolvable_drop(n, rate)
    draws = rng.multinomial(n, [rate / 2, rate / 2, 1 - rate], size=3_000)
    passed = np.mean([bound(int(worse), int(better), n) <= budget for worse, better, _ in draws])
    assert 0.74 < passed < 0.88
    assert smallest_resolvable_drop(299, 0.0) <= 0.01
    assert smallest_resolvable_drop(10_000) < smallest_resolvable_drop(1_000)
