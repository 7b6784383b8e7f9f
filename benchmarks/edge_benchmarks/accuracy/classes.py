"""Does any class lose too much? Judged class by class, corrected for how many classes are asked about."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.accuracy.answers import Answers, predicted
from edge_benchmarks.accuracy.paired import Paired, number_groups
from edge_benchmarks.statistics.many import holm
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
    groups: Sequence[str] | None = None,
    scale: float = 1.0,
) -> tuple[ClassVerdict, ...]:
    """Hold each class's recall against the baseline's.

    A class fails where Tango's score test says that its drop is above `max_drop`, or the test of whole groups where
    there are groups; Holm's step-down correction (Holm 1979) keeps the chance of any false alarm among all classes at
    5 %.

    Args:
        answers: Both models' answers about the same items.
        labels: Class names.
        baseline: Name of a model in `answers`.
        candidate: Name of a model in `answers`.
        max_drop: The largest drop of a class's recall, as a share.
        protected: Names of the classes whose drop must be proven to be within it.
        groups: The group of each item, where the data has any: recording, patient, machine.
        scale: How many times as many items, alike these, the verdict is about: what to expect of another set.

    Raises:
        InputError: not as many groups as items.
    """
    if answers.tags:
        return ()  # a text is right with all its spans; the table of kinds says which ones were lost
    clusters = number_groups(groups, len(answers.labels))
    classes = [_paired(answers, at, baseline, candidate, clusters) for at in range(len(labels))]
    p_values = [one.p_value(max_drop, scale) if len(one.losses) else 1.0 for one in classes]
    fails = holm(p_values)
    return tuple(
        _verdict(label, one, failed, max_drop=max_drop, protected=label in protected, scale=scale)
        for label, one, failed in zip(labels, classes, fails, strict=True)
    )


def _verdict(
    label: str, paired: Paired, failed: bool, *, max_drop: float, protected: bool, scale: float
) -> ClassVerdict:
    n = len(paired.losses)
    bound = paired.upper_bound(scale=scale) if n else 1.0
    unproven = protected and bound > max_drop
    verdict = Accuracy.FAIL if failed else Accuracy.INCONCLUSIVE if unproven else Accuracy.PASS
    drop = paired.drop if n else 0.0
    return ClassVerdict(label, verdict, n, paired.worse, paired.better, drop, bound, protected)


def _paired(answers: Answers, at: int, baseline: str, candidate: str, clusters: NDArray[np.int64] | None) -> Paired:
    """Return what was lost and won of one class: which of its items were found."""
    there = answers.labels[:, at] > 0 if answers.multilabel else answers.labels == at
    was, now = (_names(answers, at, name) for name in (baseline, candidate))
    return Paired(was.astype(np.int64) - now, clusters).among(there)


def _names(answers: Answers, at: int, name: str) -> NDArray[np.bool_]:
    """Say of each item whether a model names a class."""
    said = predicted(answers.logits[name], answers.multilabel)
    return np.asarray(said[:, at] if answers.multilabel else said == at, dtype=np.bool_)
