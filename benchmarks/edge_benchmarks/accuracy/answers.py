"""The answers of several models about the same items, collected in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import InputError

Label = int | tuple[int, ...] | None
"""Index of the one right class, or the indices of all right classes of a multilabel item; None where nobody knows."""

TOP1 = "top-1"
AGREEMENT = "agreement"
"""What is counted where the items have no labels: answers that are those of the first model."""

Predictor = Callable[[NDArray[Any]], NDArray[np.float32]]
"""From a batch of preprocessed inputs `(n, ...)` to logits `(n, classes)`."""


@dataclass(frozen=True)
class Answers:
    """What several models said about the same items."""

    labels: NDArray[np.int64] | NDArray[np.bool_]
    """`(n,)` class indices, or `(n, classes)` truth of each class for multilabel items."""
    logits: dict[str, NDArray[np.float32]]
    """Model name to `(n, classes)` float32, row `i` about the same item in every model."""
    inputs: list[Any]
    """Each item's path, or the text itself; None for one that was given as bytes or an array, since images are not
    kept."""
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
        return right_items(answers, self.labels)

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


def right_items(answers: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Say of each item whether its answer is right; of several labels, all must be."""
    same: NDArray[np.bool_] = answers == labels
    return np.all(same, axis=1) if same.ndim > 1 else same


def predicted(logits: NDArray[np.float32], multilabel: bool) -> NDArray[Any]:
    """Return the class of the largest logit of each row, or for multilabel which classes are over one half."""
    # The sigmoid of 0 is one half, so no exponential is needed to decide.
    return logits > 0 if multilabel else np.argmax(logits, axis=1)


def collect_answers(
    predictors: Mapping[str, Predictor],
    preprocess: Callable[[Any], NDArray[Any]],
    samples: Iterable[tuple[Any, Label]],
    *,
    stack: Callable[[list[NDArray[Any]]], NDArray[Any]] = np.stack,
    batch_size: int = 32,
    multilabel: bool = False,
) -> Answers:
    """Ask several models about the same items in one pass; no more than one batch is held.

    Args:
        predictors: Model name to what answers a batch.
        preprocess: From a sample's input to its tensor without the batch axis, the runtime's preprocessing.
        samples: Pairs of input and label. Where all labels are None, the first model's answers stand for them.
        stack: Makes a batch of tensors; those of texts differ in length, and the runtime's way pads them.
        batch_size: Items a batch; the last one may be smaller.
        multilabel: Labels are tuples of class indices.

    Raises:
        InputError: no samples, labels for some of them alone, or a label that the models have no class for.
    """
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in predictors}
    labels: list[Label] = []
    inputs: list[Any] = []
    for batch in _batches(samples, batch_size):
        tensor = stack([preprocess(item) for item, _ in batch])
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
