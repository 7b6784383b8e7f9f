"""The drop of macro F1, for classes that matter alike however many items they have: a paired bootstrap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.accuracy.answers import Answers, predicted
from edge_benchmarks.accuracy.spans import kinds_of
from edge_benchmarks.statistics.clusters import clustered_upper_bound, resampled_counts
from edge_runtime.errors import InputError


def macro_f1_bounds(
    answers: Answers,
    baseline: str,
    candidate: str,
    clusters: NDArray[np.int64],
    *,
    confidence: float,
    scale: float = 1.0,
) -> tuple[float, float, float]:
    """Return the drop of macro F1 with its lower and upper bound: a paired bootstrap of whole clusters.

    A bootstrap bounds by 0 what never changed, so the upper bound is at least the accuracy's.

    Args:
        answers: Both models' answers about the same items.
        baseline: Name of a model in `answers`.
        candidate: Name of a model in `answers`.
        clusters: `(n,)` number of each item's cluster; one an item where they vary by themselves.
        confidence: Nominal coverage of each bound.
        scale: How many times as many items, alike these, the bounds are about.

    Raises:
        InputError: an item can have several labels.
    """
    if answers.multilabel:
        raise InputError("macro F1 is judged for one label an item; use the accuracy for several")
    classes = len(kinds_of(answers.tags)) if answers.tags else answers.logits[baseline].shape[1]
    tables = [_tables(answers, name, clusters, classes) for name in (baseline, candidate)]
    ones = np.ones((1, int(clusters.max()) + 1), dtype=np.int64)
    drop = float((_macro_f1(ones, tables[0]) - _macro_f1(ones, tables[1]))[0])
    resampled = resampled_counts(ones.shape[1], size=max(round(scale * ones.shape[1]), 1))
    draws = np.concatenate([_macro_f1(counts, tables[0]) - _macro_f1(counts, tables[1]) for counts in resampled])
    losses = answers.right(baseline).astype(np.int64) - answers.right(candidate)
    floor = clustered_upper_bound(losses, clusters, confidence, scale=scale)
    low, high = (float(np.quantile(draws, level)) for level in (1 - confidence, confidence))
    return drop, low, max(high, floor)


def _tables(answers: Answers, name: str, clusters: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Return `(clusters, 3, classes)`: how often each class was found, named, and there."""
    size = int(clusters.max()) + 1
    if answers.tags:
        spans = np.zeros((size, 3, classes), dtype=np.float64)
        np.add.at(spans, clusters, answers.span_counts(name))
        return spans
    said, truth = predicted(answers.logits[name], False), answers.labels.astype(np.int64)

    def count(of: NDArray[np.int64], which: NDArray[np.bool_]) -> NDArray[np.int64]:
        cells = np.bincount(clusters[which] * classes + of[which], minlength=size * classes)
        return cells.reshape(size, classes)

    everything = np.ones(len(truth), dtype=np.bool_)
    tables = [count(truth, said == truth), count(said, everything), count(truth, everything)]
    return np.stack(tables, axis=1).astype(np.float64)


def _macro_f1(counts: NDArray[np.int64], table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return macro F1 of each row of cluster counts."""
    found, named, there = np.moveaxis(np.tensordot(counts.astype(np.float64), table, axes=1), 1, 0)
    seen = named + there > 0
    scores = np.where(seen, 2 * found / np.where(seen, named + there, 1.0), 0.0)
    means: NDArray[np.float64] = scores.sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return means
