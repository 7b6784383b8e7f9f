"""Our few distributions against scipy's."""

import numpy as np
import pytest
from scipy import stats

from edge_benchmarks.statistics.distributions import average_ranks, binomial_tails, normal_quantile


@pytest.mark.parametrize("share", [1e-9, 0.025, 0.5, 0.95, 0.999])
def test_normal_quantile(share):
    assert normal_quantile(share) == pytest.approx(stats.norm.ppf(share), rel=1e-12, abs=1e-15)


def test_ranks_of_equal_values_are_shared():
    values = np.random.default_rng(0).integers(0, 50, 1000)
    assert np.array_equal(average_ranks(values), stats.rankdata(values))


@pytest.mark.parametrize("n", [1, 29, 299, 5_000])
@pytest.mark.parametrize("q", [0.01, 0.5, 0.99])
def test_both_tails_of_a_binomial_keep_their_digits(n, q):
    at_most, more_than = binomial_tails(n, q)
    k = np.arange(n + 1)
    np.testing.assert_allclose(at_most, stats.binom.cdf(k, n, q), rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(more_than, stats.binom.sf(k, n, q), rtol=1e-9, atol=1e-300)
