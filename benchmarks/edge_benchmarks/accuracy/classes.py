"""Does any class lose too much? Judged class by class, corrected for how many classes are asked about."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.accuracy.answers import Answers, predicted
from edge_benchmarks.statistics.proportions import CONFIDENCE, drop_p_value, tango_upper_bound
from edge_benchmarks.verdicts import Accuracy


@dataclass(frozen=True)
class ClassVerdict:
    """One class's recall, candidate against baseline, on the same items."""

    label: str
    verdict: Accuracy
    """`fail`: it surely loses more than allowed. A class that is protected must be proven: it is `inconclusive` where
    its bound is above the budget. Any other class passes unless it fails, since few items can prove so much."""
    n: int
    """Items of this class."""
    worse: int
    better: int
    drop: float
    """Loss of recall, as a share of its items; 0 where it has none."""
    drop_bound: float
    """One-sided 95 % upper bound of the drop; 1 where it has no items."""
    protected: bool = False


def judge_classes(
    answers: Answers,
    labels: Sequence[str],
    baseline: str,
    candidate: str,
    *,
    max_drop: float,
    protected: Collection[str] = (),
) -> tuple[ClassVerdict, ...]:
    """Hold each class's recall against the baseline's.

    A class fails where Tango's score test says that its drop is above `max_drop`; Holm's step-down correction (Holm
    1979) keeps the chance of any false alarm among all classes at 5 %.

    Args:
        answers: Both models' answers about the same items.
        labels: Class names.
        baseline: Name of a model in `answers`.
        candidate: Name of a model in `answers`.
        max_drop: The largest drop of a class's recall, as a share.
        protected: Names of the classes whose drop must be proven to be within it.
    """
    counts = [_paired(answers, at, baseline, candidate) for at in range(len(labels))]
    p_values = [drop_p_value(worse, better, n, max_drop) if n else 1.0 for worse, better, n in counts]
    fails = holm(p_values)
    return tuple(
        _verdict(label, count, failed, max_drop, label in protected)
        for label, count, failed in zip(labels, counts, fails, strict=True)
    )


def holm(p_values: Sequence[float], level: float = 1 - CONFIDENCE) -> list[bool]:
    """Say which hypotheses are rejected, with the chance of any false rejection at most `level` (Holm 1979)."""
    rejected = [False] * len(p_values)
    for step, at in enumerate(np.argsort(p_values, kind="stable")):
        if p_values[at] > level / (len(p_values) - step):
            break
        rejected[at] = True
    return rejected


def _verdict(label: str, counts: tuple[int, int, int], failed: bool, max_drop: float, protected: bool) -> ClassVerdict:
    worse, better, n = counts
    bound = tango_upper_bound(worse, better, n) if n else 1.0
    unproven = protected and bound > max_drop
    verdict = Accuracy.FAIL if failed else Accuracy.INCONCLUSIVE if unproven else Accuracy.PASS
    return ClassVerdict(label, verdict, n, worse, better, (worse - better) / n if n else 0.0, bound, protected)


def _paired(answers: Answers, at: int, baseline: str, candidate: str) -> tuple[int, int, int]:
    """Count lost, won and all items of one class."""
    was, now = (_found(answers, at, name) for name in (baseline, candidate))
    return int(np.sum(was & ~now)), int(np.sum(~was & now)), len(was)


def _found(answers: Answers, at: int, name: str) -> NDArray[np.bool_]:
    """Say of each item of a class whether a model finds it."""
    said = predicted(answers.logits[name], answers.multilabel)
    if answers.multilabel:
        return np.asarray(said[answers.labels[:, at] > 0, at], dtype=np.bool_)
    return np.asarray(said[answers.labels == at] == at, dtype=np.bool_)
