"""Is the candidate as right as its baseline? Judged on the same items, with a bound that a statistician would sign."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.accuracy.answers import Answers, predicted
from edge_benchmarks.statistics.clusters import clustered_upper_bound, design_effect, resampled_counts
from edge_benchmarks.statistics.proportions import (
    CONFIDENCE,
    exact_upper_bound,
    items_to_decide,
    tango_upper_bound,
    wilson_interval,
)
from edge_benchmarks.verdicts import Accuracy, AccuracyVerdict
from edge_runtime.errors import InputError

MACRO_F1 = "macro-f1"
"""What is counted where classes matter alike, however many items they have."""

Metric = Literal["accuracy", "macro-f1"]


def judge_accuracy(
    answers: Answers,
    baseline: str = "cpu-fp32",
    candidate: str = "cpu-int8",
    *,
    max_drop: float = 0.01,
    metric: Metric = "accuracy",
    groups: Sequence[str] | None = None,
    unlabeled: Answers | None = None,
) -> AccuracyVerdict:
    """Say whether the candidate is as right as the baseline, within `max_drop`.

    Pass: the one-sided 95 % upper bound of the paired drop is at most `max_drop`. Fail: its lower bound is above.
    The bound is Tango's; where items come in groups it is that of whole groups resampled; of macro F1 it is the paired
    bootstrap's. Frames without labels bound the drop too, since it cannot exceed the share of answers that changed; the
    better one of the two bounds counts, and each is then held to 97.5 %, so that both together hold to 95 %.

    Args:
        answers: Both models' answers about the same items.
        baseline: Name of a model in `answers`.
        candidate: Name of a model in `answers`.
        max_drop: The budget as a share: 0.01 is one point.
        metric: What must not drop.
        groups: The group of each item, where the data has any: recording, patient, machine.
        unlabeled: Both models' answers about further items, without labels.

    Raises:
        InputError: as many groups as items are needed, or macro F1 is asked for without one label an item.
    """
    was, now = answers.right(baseline), answers.right(candidate)
    n, losses = len(was), was.astype(np.int64) - now
    if groups is not None and len(groups) != n:
        raise InputError(f"{len(groups):,} groups for {n:,} items; give one for each")
    clusters = np.arange(n) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    frames = None if metric == MACRO_F1 else unlabeled
    confidence = CONFIDENCE if frames is None else 1 - (1 - CONFIDENCE) / 2
    if metric == MACRO_F1:
        drop, low, high = _f1_bounds(answers, baseline, candidate, clusters, confidence)
    else:
        drop, low, high = _drop_bounds(losses, clusters, groups is not None, confidence)
    if frames is not None:
        high = min(high, _changed_bound((answers, frames), baseline, candidate, clusters, confidence))
    verdict = Accuracy.PASS if high <= max_drop else Accuracy.FAIL if low > max_drop else Accuracy.INCONCLUSIVE
    worse, better = int((losses > 0).sum()), int((losses < 0).sum())
    decides = verdict is Accuracy.INCONCLUSIVE and metric != MACRO_F1
    return AccuracyVerdict(
        verdict=verdict,
        n=n,
        baseline=wilson_interval(int(was.sum()), n),
        candidate=wilson_interval(int(now.sum()), n),
        drop=drop,
        drop_bound=high,
        max_drop=max_drop,
        changed=len(answers.changed(candidate, baseline)),
        worse=worse,
        better=better,
        items_to_decide=_items_to_decide(losses, clusters, max_drop, confidence) if decides else None,
        measure=MACRO_F1 if metric == MACRO_F1 else answers.measure,
        groups=None if groups is None else int(clusters.max()) + 1,
        unlabeled=None if frames is None else len(frames.inputs),
    )


def _drop_bounds(
    losses: NDArray[np.int64], clusters: NDArray[np.int64], grouped: bool, confidence: float
) -> tuple[float, float, float]:
    """Return the drop with its lower and upper bound."""
    n, worse, better = len(losses), int((losses > 0).sum()), int((losses < 0).sum())
    drop = (worse - better) / n
    if grouped:
        low = -clustered_upper_bound(-losses, clusters, confidence)
        return drop, low, clustered_upper_bound(losses, clusters, confidence)
    return drop, -tango_upper_bound(better, worse, n, confidence), tango_upper_bound(worse, better, n, confidence)


def _changed_bound(
    parts: tuple[Answers, Answers], baseline: str, candidate: str, clusters: NDArray[np.int64], confidence: float
) -> float:
    """Return the upper bound of the share of answers that differ; frames are taken to be as alike as labeled items."""
    differing = [part.changed(candidate, baseline) for part in parts]
    changes = np.zeros(len(clusters), dtype=np.int64)
    changes[differing[0]] = 1
    effect = design_effect(changes, clusters)
    n = sum(len(part.inputs) for part in parts)
    return exact_upper_bound(sum(map(len, differing)) / effect, n / effect, confidence)


def _items_to_decide(
    losses: NDArray[np.int64], clusters: NDArray[np.int64], max_drop: float, confidence: float
) -> int | None:
    """Return about how many items would decide, in groups as they are; None where none would, or nobody can say."""
    effect = design_effect(losses, clusters)
    worse, better, n = (float(count) / effect for count in ((losses > 0).sum(), (losses < 0).sum(), len(losses)))
    needed = items_to_decide(worse, better, n, max_drop, confidence)
    # By the score bound alone: where the bootstrap is what doubts, the items at hand seem to be enough.
    return math.ceil(needed * effect) if needed is not None and needed > math.ceil(n) else None


def _f1_bounds(
    answers: Answers, baseline: str, candidate: str, clusters: NDArray[np.int64], confidence: float
) -> tuple[float, float, float]:
    """Return the drop of macro F1 with its bounds: a paired bootstrap of whole clusters.

    A bootstrap bounds by 0 what never changed, so the upper bound is at least the accuracy's.
    """
    if answers.multilabel:
        raise InputError("macro F1 is judged for one label an item; use the accuracy for several")
    classes = answers.logits[baseline].shape[1]
    tables = [_tables(answers, name, clusters, classes) for name in (baseline, candidate)]
    ones = np.ones((1, int(clusters.max()) + 1), dtype=np.int64)
    drop = float((_macro_f1(ones, tables[0]) - _macro_f1(ones, tables[1]))[0])
    draws = np.concatenate(
        [_macro_f1(counts, tables[0]) - _macro_f1(counts, tables[1]) for counts in resampled_counts(ones.shape[1])]
    )
    losses = answers.right(baseline).astype(np.int64) - answers.right(candidate)
    floor = clustered_upper_bound(losses, clusters, confidence)
    low, high = (float(np.quantile(draws, level)) for level in (1 - confidence, confidence))
    return drop, low, max(high, floor)


def _tables(answers: Answers, name: str, clusters: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    """Return `(clusters, 3, classes)`: how often each class was found, named, and there."""
    said, truth = predicted(answers.logits[name], False), answers.labels.astype(np.int64)
    size = int(clusters.max()) + 1

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
