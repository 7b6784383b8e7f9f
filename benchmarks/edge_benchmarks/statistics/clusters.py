"""Bounds where items come in clusters (frames of one recording, images of one patient) and do not vary freely."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from edge_benchmarks.statistics.proportions import CONFIDENCE, upper_bound_of_drop

DRAWS = 4_000
"""Bootstrap draws; the Monte Carlo error of a 95 % bound is then a fiftieth of its distance from the estimate."""

_VALUES_AT_ONCE = 4_000_000
"""Random counts held at a time."""


def resampled_counts(clusters: int, draws: int = DRAWS, seed: int = 0) -> Iterator[NDArray[np.int64]]:
    """Yield how often each cluster is drawn, `(some draws, clusters)` at a time, `draws` rows in all."""
    rng = np.random.default_rng(seed)
    share = np.full(clusters, 1 / clusters)
    step = max(1, _VALUES_AT_ONCE // clusters)
    for start in range(0, draws, step):
        yield rng.multinomial(clusters, share, size=min(step, draws - start))


def design_effect(losses: NDArray[np.int64], clusters: NDArray[np.int64]) -> float:
    """Return by how much clustering may inflate the variance of the mean loss, at least 1 (Kish 1965, section 5.4).

    Few clusters tell little about how alike their items are, so it is the upper end of the estimate's 95 % interval, by
    the chi-squared distribution of a variance; but no more than if each cluster were one item, which is also the answer
    where nothing is told: one cluster, or no answer that changed.

    Args:
        losses: `(n,)`: 1 where the candidate lost an answer, -1 where it won one, else 0.
        clusters: `(n,)` number of each item's cluster.
    """
    sizes = np.bincount(clusters)
    most = float((sizes**2).sum() / len(losses))
    centered = losses - losses.mean()
    within = float((centered**2).sum())
    if len(sizes) == 1 or within == 0:
        return most
    between = float((np.bincount(clusters, weights=centered) ** 2).sum())
    doubt = len(sizes) / float(stats.chi2.ppf(1 - CONFIDENCE, len(sizes) - 1))
    return min(max(1.0, between / within) * doubt, most)


def clustered_upper_bound(
    losses: NDArray[np.int64], clusters: NDArray[np.int64], confidence: float = CONFIDENCE, seed: int = 0
) -> float:
    """Return the one-sided upper bound of the mean loss, by resampling whole clusters.

    A bootstrap cannot imagine a change that it never saw, and covers too little where clusters are few. So the bound is
    the larger one of the bootstrap's and of the score bound on as many items as the clusters are worth.

    Args:
        losses: `(n,)`: 1 where the candidate lost an answer, -1 where it won one, else 0.
        clusters: `(n,)` number of each item's cluster, 0 to the number of clusters - 1.
        confidence: Nominal coverage.
        seed: Of the draws.
    """
    sums, sizes = np.bincount(clusters, weights=losses), np.bincount(clusters)
    means = np.concatenate([counts @ sums / (counts @ sizes) for counts in resampled_counts(len(sizes), seed=seed)])
    effect = design_effect(losses, clusters)
    worse, better, n = float((losses > 0).sum()), float((losses < 0).sum()), float(len(losses))
    score = upper_bound_of_drop(worse / effect, better / effect, max(n / effect, 1.0), confidence)
    return max(float(np.quantile(means, confidence)), score)
