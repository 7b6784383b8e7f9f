"""Order-statistic intervals: where they exist, what they cover, and what dependence costs."""

import numpy as np
import pytest
from scipy import stats

from edge_benchmarks.statistics import effective_sample_size, percentile_interval, samples_needed
from edge_benchmarks.statistics.percentiles import order_statistic_ranks


@pytest.mark.parametrize(("q", "needed"), [(0.5, 6), (0.9, 29), (0.99, 299), (0.999, 2_995), (0.01, 299)])
def test_an_interval_exists_from_this_many_samples_on(q, needed):
    assert samples_needed(q) == needed
    rng = np.random.default_rng(1)
    assert percentile_interval(rng.permutation(needed - 1), q) is None
    interval = percentile_interval(np.sort(rng.random(needed))[_shuffled(needed)], q)
    assert interval is not None
    assert interval.low <= interval.estimate <= interval.high


def test_the_bounds_are_the_samples_of_the_published_ranks():
    # The median of 100 samples lies between the 40th and the 61st (Conover, Practical Nonparametric Statistics, 3.2).
    interval = percentile_interval(np.arange(1, 101)[_shuffled(100)], 0.5)
    assert (interval.low, interval.estimate, interval.high) == (40, 50.5, 61)


def _shuffled(n: int) -> np.ndarray:
    # A golden-ratio walk has no positive autocorrelation, so every sample counts.
    return np.argsort((np.arange(n) * 0.6180339887) % 1.0)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9, 0.99])
def test_the_ranks_cover_exactly(q):
    for n in [*range(1, 120), 299, 400, 1_000]:
        ranks = order_statistic_ranks(n, q)
        if ranks is not None:
            low, high = ranks
            coverage = stats.binom.cdf(high - 1, n, q) - stats.binom.cdf(low - 1, n, q)
            assert coverage >= 0.95 - 1e-12, n
            assert 1 <= low < high <= n


def autoregressive(rng: np.random.Generator, series: int, n: int, rho: float) -> np.ndarray:
    noise = rng.standard_normal((series, n + 50))
    for step in range(1, n + 50):
        noise[:, step] = rho * noise[:, step - 1] + np.sqrt(1 - rho**2) * noise[:, step]
    return noise[:, 50:]


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.5])
@pytest.mark.parametrize("q", [0.5, 0.9])
def test_intervals_cover_on_skewed_and_dependent_series(rho, q):
    rng = np.random.default_rng([int(rho * 10), int(q * 10)])
    latencies = np.exp(autoregressive(rng, 500, 300, rho))
    true = float(np.exp(stats.norm.ppf(q)))
    intervals = [percentile_interval(series, q) for series in latencies]
    covered = np.mean([interval is not None and interval.low <= true <= interval.high for interval in intervals])
    # 500 draws of a true 95 % fall under 92 % in one of a thousand tests; 2,000 draws stand in the slow test.
    assert covered >= 0.92


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.5])
def test_intervals_cover_in_many_draws(rho):
    rng = np.random.default_rng(7)
    latencies = np.exp(autoregressive(rng, 4_000, 400, rho))
    for q in (0.5, 0.9, 0.99):
        true = float(np.exp(stats.norm.ppf(q)))
        intervals = [percentile_interval(series, q) for series in latencies]
        known = [interval for interval in intervals if interval is not None]
        covered = np.mean([interval.low <= true <= interval.high for interval in known]) if known else np.nan
        print(f"n=400 rho={rho} p{100 * q:g}: {covered:.2%} of {len(known)} intervals")
        assert not known or len(known) < 400 or covered >= 0.94


def test_dependent_samples_count_as_fewer():
    rng = np.random.default_rng(3)
    assert effective_sample_size(rng.random(1_000)) > 900
    # The variance of the mean of AR(1) with 0.5 is 3 times that of independent samples.
    worth = effective_sample_size(autoregressive(rng, 1, 4_000, 0.5)[0]) / 4_000
    assert 0.28 < worth < 0.5
    assert effective_sample_size([]) == 0
    assert effective_sample_size([5.0] * 50) == 50


def test_outliers_move_no_rank():
    rng = np.random.default_rng(4)
    series = rng.random(200)
    slow = series.copy()
    slow[np.argmax(series)] = 1e9
    assert percentile_interval(series, 0.5) == percentile_interval(slow, 0.5)
