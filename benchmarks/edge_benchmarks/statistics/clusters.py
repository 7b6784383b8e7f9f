"""Bounds where items come in clusters (frames of one recording, images of one patient) and do not vary freely."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from edge_benchmarks.statistics.proportions import CONFIDENCE, drop_p_value, upper_bound_of_drop

DRAWS = 4_000
"""Bootstrap draws; the Monte Carlo error of a 95 % bound is then a fiftieth of its distance from the estimate."""

_VALUES_AT_ONCE = 4_000_000
"""Random counts held at a time."""


def resampled_counts(
    clusters: int, draws: int = DRAWS, seed: int = 0, size: int | None = None
) -> Iterator[NDArray[np.int64]]:
    """Yield how often each cluster is drawn, `(some draws, clusters)` at a time, `draws` rows in all.

    Args:
        clusters: There are.
        draws: Rows.
        seed: Of the draws.
        size: Clusters in each draw; None takes as many as there are.
    """
    rng = np.random.default_rng(seed)
    share = np.full(clusters, 1 / clusters)
    step = max(1, _VALUES_AT_ONCE // clusters)
    for start in range(0, draws, step):
        yield rng.multinomial(size or clusters, share, size=min(step, draws - start))


def design_effect(losses: NDArray[np.int64], clusters: NDArray[np.int64], scale: float = 1.0) -> float:
    """Return by how much clustering may inflate the variance of the mean loss, at least 1 (Kish 1965, section 5.4).

    Few clusters tell little about how alike their items are, so it is the upper end of the estimate's 95 % interval, by
    the chi-squared distribution of a variance; but no more than if each cluster were one item, which is also the answer
    where nothing is told: one cluster, or no answer that changed.

    Args:
        losses: `(n,)`: 1 where the candidate lost an answer, -1 where it won one, else 0.
        clusters: `(n,)` number of each item's cluster.
        scale: How many times as many clusters, alike these, the answer is about.
    """
    sizes = np.bincount(clusters)
    most = float((sizes**2).sum() / len(losses))
    centered = losses - losses.mean()
    within = float((centered**2).sum())
    if len(sizes) == 1 or within == 0:
        return most
    between = float((np.bincount(clusters, weights=centered) ** 2).sum())
    count = max(scale * len(sizes), 2.0)
    doubt = count / float(stats.chi2.ppf(1 - CONFIDENCE, count - 1))
    return min(max(1.0, between / within) * doubt, most)


def clustered_upper_bound(
    losses: NDArray[np.int64],
    clusters: NDArray[np.int64],
    confidence: float = CONFIDENCE,
    seed: int = 0,
    scale: float = 1.0,
) -> float:
    """Return the one-sided upper bound of the mean loss, by resampling whole clusters.

    A bootstrap cannot imagine a change that it never saw, and covers too little where clusters are few. So the bound is
    the larger one of the bootstrap's and of the score bound on as many items as the clusters are worth.

    Args:
        losses: `(n,)`: 1 where the candidate lost an answer, -1 where it won one, else 0.
        clusters: `(n,)` number of each item's cluster, 0 to the number of clusters - 1.
        confidence: Nominal coverage.
        seed: Of the draws.
        scale: How many times as many items in clusters alike these the bound is about: what to expect of another set.
    """
    worse, better, n = _worth(losses, clusters, scale)
    score = upper_bound_of_drop(worse, better, n, confidence)
    return max(float(np.quantile(_resampled_means(losses, clusters, seed, scale), confidence)), score)


def clustered_p_value(
    losses: NDArray[np.int64], clusters: NDArray[np.int64], drop: float, seed: int = 0, scale: float = 1.0
) -> float:
    """Return how likely so large a mean loss would be if the true one were `drop`: the bound turned round.

    Args:
        losses: As there.
        clusters: As there.
        drop: The hypothesis, as a share.
        seed: As there.
        scale: As there.
    """
    worse, better, n = _worth(losses, clusters, scale)
    below = float(np.mean(_resampled_means(losses, clusters, seed, scale) <= drop))
    return max(below, drop_p_value(worse, better, n, drop))


def _worth(losses: NDArray[np.int64], clusters: NDArray[np.int64], scale: float) -> tuple[float, float, float]:
    """Count lost, won and all answers, in as many independent items as the clusters are worth."""
    share = scale / design_effect(losses, clusters, scale)
    worse, better, n = (share * float(count) for count in ((losses > 0).sum(), (losses < 0).sum(), len(losses)))
    return worse, better, max(n, 1.0)


def _resampled_means(
    losses: NDArray[np.int64], clusters: NDArray[np.int64], seed: int, scale: float
) -> NDArray[np.float64]:
    """Return the mean loss of each draw of whole clusters."""
    if not losses.any():
        return np.zeros(1)
    sums, sizes = np.bincount(clusters, weights=losses), np.bincount(clusters)
    counts = resampled_counts(len(sizes), seed=seed, size=max(round(scale * len(sizes)), 1))
    return np.concatenate([drawn @ sums / (drawn @ sizes) for drawn in counts])
