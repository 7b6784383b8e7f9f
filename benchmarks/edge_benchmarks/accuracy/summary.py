"""One model's accuracy on labeled items: its interval, the table of classes, the confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.accuracy.answers import Answers, predicted, right_items
from edge_benchmarks.accuracy.paired import number_groups
from edge_benchmarks.accuracy.spans import NO_WORD, f1_interval, kinds_of
from edge_benchmarks.statistics.proportions import wilson_interval
from edge_benchmarks.verdicts import Interval
from edge_runtime.errors import InputError


@dataclass(frozen=True)
class ClassAccuracy:
    """One class's row of the table."""

    label: str
    precision: float
    """Share of right answers among those that named this class; 0 where none did."""
    recall: float
    """Share of this class's items that were found; 0 where there are none."""
    f1: float
    support: int
    """Items of this class."""


@dataclass(frozen=True)
class AccuracySummary:
    """One model's accuracy on labeled items."""

    top1: Interval
    """Share of right answers with its 95 % Wilson interval; exact match of all labels for multilabel items."""
    macro_f1: float
    """Mean of F1 over the classes that have items or answers."""
    n: int
    per_class: tuple[ClassAccuracy, ...]
    confusion: NDArray[np.int64]
    """`(classes, classes)`, rows truth, columns answers. Multilabel: `(classes, 2, 2)`, one such table a class. Of
    texts with spans `(tags, tags)` of their words, while `per_class` has a row for each kind of span."""
    span_f1: Interval | None = None
    """Micro F1 of spans with the bootstrap's 95 % interval over texts, of texts with spans."""

    @property
    def multilabel(self) -> bool:
        """Whether an item can have several labels or none."""
        return self.confusion.ndim == 3

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary: `top1`, `interval`, `macro_f1`, `n`, `per_class`, `confusion`."""
        spans = {} if self.span_f1 is None else {"span_f1": vars(self.span_f1)}
        return spans | {
            "top1": self.top1.estimate,
            "interval": [self.top1.low, self.top1.high],
            "macro_f1": self.macro_f1,
            "n": self.n,
            "per_class": [vars(row) for row in self.per_class],
            "confusion": self.confusion.tolist(),
        }


def summarize(
    labels: NDArray[np.int64] | NDArray[np.bool_],
    logits: NDArray[np.float32],
    class_names: Sequence[str],
    groups: Sequence[str] | None = None,
) -> AccuracySummary:
    """Return a model's accuracy with its interval, macro F1, the per-class table and the confusion matrix.

    Args:
        labels: `(n,)` class indices, or `(n, classes)` truth for multilabel items, as in `Answers`.
        logits: `(n, classes)`.
        class_names: One name a class, or a tag.
        groups: The group of each text with spans, which the interval of their F1 keeps whole.
    """
    if logits.ndim == 3:
        return _summarize_spans(Answers(labels, {"": logits}, [], tags=tuple(class_names)), groups)
    multilabel = labels.ndim == 2
    if len(logits) != len(labels) or logits.shape[1] != len(class_names):
        raise InputError(f"logits {logits.shape} do not fit {len(labels)} labels and {len(class_names)} class names")
    answers = predicted(logits, multilabel)
    if multilabel:
        confusion = _confusion_by_class(labels.astype(bool), answers)
        found, support, named = confusion[:, 1, 1], confusion[:, 1].sum(axis=1), confusion[:, :, 1].sum(axis=1)
    else:
        confusion = np.zeros((len(class_names), len(class_names)), dtype=np.int64)
        np.add.at(confusion, (labels.astype(np.int64), answers), 1)
        found, support, named = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    rows = tuple(_class_row(*row) for row in zip(class_names, found, support, named, strict=True))
    # A class that has no item and got no answer says nothing; F1 of 0 for it would punish small test sets.
    scored = [row.f1 for row, items, calls in zip(rows, support, named, strict=True) if items or calls]
    macro = float(np.mean(scored)) if scored else 0.0
    top1 = wilson_interval(int(right_items(answers, labels).sum()), len(labels))
    return AccuracySummary(top1, macro, len(labels), rows, confusion)


def _summarize_spans(answers: Answers, groups: Sequence[str] | None) -> AccuracySummary:
    counts = answers.span_counts("")
    n = len(counts)
    found, named, there = counts.sum(axis=0)
    rows = tuple(_class_row(*row) for row in zip(kinds_of(answers.tags), found, there, named, strict=True))
    scored = [row.f1 for row, items, calls in zip(rows, there, named, strict=True) if items or calls]
    words = answers.labels != NO_WORD
    confusion = np.zeros((len(answers.tags), len(answers.tags)), dtype=np.int64)
    np.add.at(confusion, (answers.labels[words].astype(np.int64), predicted(answers.logits[""], False)[words]), 1)
    clusters = number_groups(groups, n)
    interval = f1_interval(counts.sum(axis=2), np.arange(n) if clusters is None else clusters)
    top1 = wilson_interval(int(answers.right("").sum()), n)
    return AccuracySummary(top1, float(np.mean(scored)) if scored else 0.0, n, rows, confusion, interval)


def _class_row(label: str, found: int, support: int, named: int) -> ClassAccuracy:
    found, support, named = int(found), int(support), int(named)
    precision = found / named if named else 0.0
    recall = found / support if support else 0.0
    f1 = 2 * found / (named + support) if named + support else 0.0
    return ClassAccuracy(label, precision, recall, f1, support)


def _confusion_by_class(truth: NDArray[np.bool_], answers: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return `(classes, 2, 2)`: for each class, rows truth (no, yes), columns answer (no, yes)."""
    counts = [[np.sum((truth == t) & (answers == a), axis=0) for a in (False, True)] for t in (False, True)]
    return np.moveaxis(np.asarray(counts, dtype=np.int64), 2, 0)
