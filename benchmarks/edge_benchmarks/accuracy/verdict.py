"""Is the candidate as right as its baseline? Judged on the same items, with a bound that a statistician would sign."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.accuracy.answers import Answers
from edge_benchmarks.accuracy.macro_f1 import macro_f1_bounds
from edge_benchmarks.accuracy.paired import Paired, number_groups
from edge_benchmarks.accuracy.spans import f1_drop
from edge_benchmarks.statistics.clusters import design_effect
from edge_benchmarks.statistics.proportions import CONFIDENCE, exact_upper_bound, items_to_decide, wilson_interval
from edge_benchmarks.verdicts import Accuracy, AccuracyVerdict, Interval

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
    n = len(was)
    paired = Paired(was.astype(np.int64) - now, number_groups(groups, n))
    clusters = np.arange(n) if paired.clusters is None else paired.clusters
    frames = None if metric == MACRO_F1 else unlabeled
    confidence = CONFIDENCE if frames is None else 1 - (1 - CONFIDENCE) / 2
    if metric == MACRO_F1:
        drop, low, high = macro_f1_bounds(answers, baseline, candidate, clusters, confidence=confidence)
    else:
        drop, low, high = paired.drop, paired.lower_bound(confidence), paired.upper_bound(confidence)
    if frames is not None:
        high = min(high, _changed_bound((answers, frames), baseline, candidate, clusters, confidence))
    verdict = Accuracy.PASS if high <= max_drop else Accuracy.FAIL if low > max_drop else Accuracy.INCONCLUSIVE
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
        worse=paired.worse,
        better=paired.better,
        items_to_decide=_items_to_decide(paired.losses, clusters, max_drop, confidence) if decides else None,
        measure=MACRO_F1 if metric == MACRO_F1 else answers.measure,
        groups=None if groups is None else int(clusters.max()) + 1,
        unlabeled=None if frames is None else len(frames.inputs),
        span_f1_drop=_span_f1_drop(answers, baseline, candidate, clusters) if answers.tags else None,
    )


def _span_f1_drop(answers: Answers, baseline: str, candidate: str, clusters: NDArray[np.int64]) -> Interval:
    was, now = (answers.span_counts(name).sum(axis=2) for name in (baseline, candidate))
    return f1_drop(was, now, clusters)


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


def expect_bound(
    answers: Answers,
    baseline: str,
    candidate: str,
    *,
    items: int,
    metric: Metric = "accuracy",
    groups: Sequence[str] | None = None,
    frames: int = 0,
) -> float:
    """Return the bound of the drop that `judge_accuracy` would find on another set, if answers changed there as here.

    Args:
        answers: Both models' answers about the items at hand.
        baseline: Name of a model in `answers`.
        candidate: Name of a model in `answers`.
        items: Of the other set.
        metric: What must not drop.
        groups: The group of each item at hand; the other set's are taken to be alike.
        frames: Items without labels that will help to bound the drop.
    """
    was, now = answers.right(baseline), answers.right(candidate)
    n, scale = len(was), items / len(was)
    paired = Paired(was.astype(np.int64) - now, number_groups(groups, n))
    clusters = np.arange(n) if paired.clusters is None else paired.clusters
    if metric == MACRO_F1:
        return macro_f1_bounds(answers, baseline, candidate, clusters, confidence=CONFIDENCE, scale=scale)[2]
    if not frames:
        return paired.upper_bound(scale=scale)
    confidence = 1 - (1 - CONFIDENCE) / 2
    changes = np.zeros(n, dtype=np.int64)
    changes[answers.changed(candidate, baseline)] = 1
    effect = design_effect(changes, clusters, scale)
    seen = math.ceil(float(changes.mean()) * (items + frames)) / effect, (items + frames) / effect
    return min(paired.upper_bound(confidence, scale), exact_upper_bound(*seen, confidence))
