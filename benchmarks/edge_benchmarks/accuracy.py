"""The one accuracy: collect the answers of several models in one pass, summarize them, and judge a drop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.statistics.proportions import (
    items_to_decide,
    tango_lower_bound,
    tango_upper_bound,
    wilson_interval,
)
from edge_benchmarks.verdicts import Accuracy, AccuracyVerdict, Interval
from edge_runtime.errors import InputError

Label = int | tuple[int, ...] | None
"""Index of the one right class, or the indices of all right classes of a multilabel item; None where nobody knows."""

TOP1 = "top-1"
AGREEMENT = "agreement"
"""What is counted where the items have no labels: answers that are those of the first model."""

Predictor = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""From a batch of preprocessed inputs `(n, ...)` to logits `(n, classes)`."""


@dataclass(frozen=True)
class Answers:
    """What several models said about the same items."""

    labels: NDArray[np.int64] | NDArray[np.bool_]
    """`(n,)` class indices, or `(n, classes)` truth of each class for multilabel items."""
    logits: dict[str, NDArray[np.float32]]
    """Model name to `(n, classes)` float32, row `i` about the same item in every model."""
    inputs: list[Any]
    """Each item's path; None for an item that was given as bytes or an array, since images are not kept."""
    reference: str = ""
    """The model whose answers stand for the labels, where the items have none."""

    @property
    def measure(self) -> str:
        """What a share of right answers is called: `top-1`, or `agreement` where a model's answers are the labels."""
        return AGREEMENT if self.reference else TOP1

    @property
    def multilabel(self) -> bool:
        """Whether an item can have several labels or none."""
        return self.labels.ndim == 2

    def right(self, model: str) -> NDArray[np.bool_]:
        """Return for each item whether the model's answer is right; multilabel items need every class right."""
        answers = predicted(self._logits(model), self.multilabel)
        return _right(answers, self.labels)

    def changed(self, candidate: str, baseline: str) -> NDArray[np.int64]:
        """Return the indices of the items about which two models say different things."""
        ours = predicted(self._logits(candidate), self.multilabel)
        theirs = predicted(self._logits(baseline), self.multilabel)
        differs = np.any(ours != theirs, axis=1) if self.multilabel else ours != theirs
        return np.flatnonzero(differs)

    def _logits(self, model: str) -> NDArray[np.float32]:
        if model not in self.logits:
            raise InputError(f"no answers of {model!r}; there are {', '.join(self.logits)}")
        return self.logits[model]


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
    """`(classes, classes)`, rows truth, columns answers. Multilabel: `(classes, 2, 2)`, one such table a class."""

    @property
    def multilabel(self) -> bool:
        """Whether an item can have several labels or none."""
        return self.confusion.ndim == 3

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary: `top1`, `interval`, `macro_f1`, `n`, `per_class`, `confusion`."""
        return {
            "top1": self.top1.estimate,
            "interval": [self.top1.low, self.top1.high],
            "macro_f1": self.macro_f1,
            "n": self.n,
            "per_class": [vars(row) for row in self.per_class],
            "confusion": self.confusion.tolist(),
        }


def _right(answers: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = answers == labels
    return np.all(same, axis=1) if same.ndim > 1 else same


def predicted(logits: NDArray[np.float32], multilabel: bool) -> NDArray[Any]:
    """Return the class of the largest logit of each row, or for multilabel which classes are over one half."""
    # The sigmoid of 0 is one half, so no exponential is needed to decide.
    return logits > 0 if multilabel else np.argmax(logits, axis=1)


def collect_answers(
    predictors: Mapping[str, Predictor],
    preprocess: Callable[[Any], NDArray[np.float32]],
    samples: Iterable[tuple[Any, Label]],
    *,
    batch_size: int = 32,
    multilabel: bool = False,
) -> Answers:
    """Ask several models about the same items in one pass; no more than one batch of images is held.

    Args:
        predictors: Model name to what answers a batch.
        preprocess: From a sample's input to its tensor without the batch axis, the runtime's preprocessing.
        samples: Pairs of input and label. Where all labels are None, the first model's answers stand for them.
        batch_size: Items a batch; the last one may be smaller.
        multilabel: Labels are tuples of class indices.

    Raises:
        InputError: no samples, labels for some of them alone, or a label that the models have no class for.
    """
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in predictors}
    labels: list[Label] = []
    inputs: list[Any] = []
    for batch in _batches(samples, batch_size):
        tensor = np.stack([preprocess(item) for item, _ in batch])
        for name, predict in predictors.items():
            parts[name].append(np.asarray(predict(tensor), dtype=np.float32))
        labels.extend(label for _, label in batch)
        inputs.extend(item if isinstance(item, str | PathLike) else None for item, _ in batch)
    if not labels or not parts:
        raise InputError(f"{len(labels)} samples for {len(parts)} models: accuracy needs at least one of each")
    logits = {name: np.concatenate(rows) for name, rows in parts.items()}
    first = next(iter(logits))
    if all(label is None for label in labels):
        return Answers(predicted(logits[first], multilabel), logits, inputs, reference=first)
    known = [label for label in labels if label is not None]
    if len(known) != len(labels):
        raise InputError(f"{len(labels) - len(known):,} of {len(labels):,} samples have no label; label all, or none")
    return Answers(_label_array(known, logits[first].shape[1], multilabel), logits, inputs)


def judge_accuracy(
    answers: Answers, baseline: str = "cpu-fp32", candidate: str = "cpu-int8", *, max_drop: float = 0.01
) -> AccuracyVerdict:
    """Say whether the candidate is as right as the baseline, within `max_drop`.

    Pass: the one-sided 95 % upper bound of the paired drop is at most `max_drop`. Fail: its lower bound is above.

    Args:
        answers: Both models' answers about the same items.
        baseline: Name of a model in `answers`.
        candidate: Name of a model in `answers`.
        max_drop: The budget as a share: 0.01 is one point.
    """
    was, now = answers.right(baseline), answers.right(candidate)
    n, worse, better = len(was), int(np.sum(was & ~now)), int(np.sum(~was & now))
    bound = tango_upper_bound(worse, better, n)
    if bound <= max_drop:
        verdict = Accuracy.PASS
    elif tango_lower_bound(worse, better, n) > max_drop:
        verdict = Accuracy.FAIL
    else:
        verdict = Accuracy.INCONCLUSIVE
    undecided = verdict is Accuracy.INCONCLUSIVE
    return AccuracyVerdict(
        verdict=verdict,
        n=n,
        baseline=wilson_interval(int(was.sum()), n),
        candidate=wilson_interval(int(now.sum()), n),
        drop=(worse - better) / n,
        drop_bound=bound,
        max_drop=max_drop,
        changed=len(answers.changed(candidate, baseline)),
        worse=worse,
        better=better,
        items_to_decide=items_to_decide(worse, better, n, max_drop) if undecided else None,
        measure=answers.measure,
    )


def summarize(
    labels: NDArray[np.int64] | NDArray[np.bool_], logits: NDArray[np.float32], class_names: Sequence[str]
) -> AccuracySummary:
    """Return a model's accuracy with its interval, macro F1, the per-class table and the confusion matrix.

    Args:
        labels: `(n,)` class indices, or `(n, classes)` truth for multilabel items, as in `Answers`.
        logits: `(n, classes)`.
        class_names: One name a class.
    """
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
    top1 = wilson_interval(int(_right(answers, labels).sum()), len(labels))
    return AccuracySummary(top1, macro, len(labels), rows, confusion)


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


def _batches(samples: Iterable[tuple[Any, Label]], size: int) -> Iterator[list[tuple[Any, Label]]]:
    iterator = iter(samples)
    while batch := list(islice(iterator, size)):
        yield batch


def _label_array(
    labels: list[int | tuple[int, ...]], classes: int, multilabel: bool
) -> NDArray[np.int64] | NDArray[np.bool_]:
    if not multilabel:
        indices = np.asarray(labels, dtype=np.int64)
        if indices.min() < 0 or indices.max() >= classes:
            raise InputError(
                f"labels {indices.min()} to {indices.max()} for {classes} classes; the data set is another"
            )
        return indices
    truth = np.zeros((len(labels), classes), dtype=np.bool_)
    for row, chosen in enumerate(labels):
        wanted = [chosen] if isinstance(chosen, int) else list(chosen)
        if any(not 0 <= index < classes for index in wanted):
            raise InputError(f"labels {wanted} for {classes} classes; the data set is another")
        truth[row, wanted] = True
    return truth
