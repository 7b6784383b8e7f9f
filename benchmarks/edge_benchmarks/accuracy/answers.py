"""The answers of several models about the same items, collected in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.accuracy.neighbors import mean_cosine, similarities
from edge_benchmarks.accuracy.spans import NO_WORD, Span, kinds_of, span_codes, span_counts, stack_words, tagged_words
from edge_runtime.errors import InputError
from edge_runtime.text import Words

Label = int | tuple[int, ...] | tuple[Span, ...] | None
"""Index of the one right class, the indices of all right classes of a multilabel item, or the spans of a text; None
where nobody knows."""

TOP1 = "top-1"
ALL_SPANS = "all spans right"
NEIGHBOR = "nearest neighbor"
AGREEMENT = "agreement"
"""What is counted where the items have no labels: answers that are those of the first model."""

Predictor = Callable[[NDArray[Any]], NDArray[np.float32]]
"""From a batch of preprocessed inputs `(n, ...)` to logits `(n, classes)`."""


@dataclass(frozen=True)
class Answers:
    """What several models said about the same items."""

    labels: NDArray[np.int64] | NDArray[np.bool_]
    """`(n,)` class indices, or `(n, classes)` truth of each class for multilabel items; of texts with spans
    `(n, words)` tags, `NO_WORD` behind a text's last word."""
    logits: dict[str, NDArray[np.float32]]
    """Model name to `(n, classes)` float32, row `i` about the same item in every model; of texts with spans
    `(n, words, tags)`."""
    inputs: list[Any]
    """Each item's path, or the text itself; None for one that was given as bytes or an array, since images are not
    kept."""
    reference: str = ""
    """The model whose answers stand for the labels, where the items have none."""
    tags: tuple[str, ...] = ()
    """Names of the tags, of texts with spans."""
    cosines: Mapping[str, float] = field(default_factory=dict)
    """Of embeddings: model name to the mean cosine between its own and those of the first model; the logits are how
    near the nearest other item of each class is, see `neighbors.py`."""

    @property
    def measure(self) -> str:
        """What a share of right answers is called: `top-1`, or `agreement` where a model's answers are the labels."""
        return AGREEMENT if self.reference else ALL_SPANS if self.tags else NEIGHBOR if self.cosines else TOP1

    @property
    def multilabel(self) -> bool:
        """Whether an item can have several labels or none."""
        return self.labels.dtype == np.bool_

    @property
    def truth(self) -> NDArray[Any]:
        """The labels in the form of `said`."""
        return span_codes(self.labels.astype(np.int64), self.tags) if self.tags else self.labels

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of the classes where nobody has any."""
        return tuple(map(str, range(next(iter(self.logits.values())).shape[-1])))

    def said(self, model: str) -> NDArray[Any]:
        """Return a model's answers, `(n,)` or `(n, columns)`: of texts with spans their codes."""
        answers = predicted(self._logits(model), self.multilabel)
        if not self.tags:
            return answers
        return span_codes(np.where(self.labels == NO_WORD, NO_WORD, answers), self.tags)

    def span_counts(self, model: str) -> NDArray[np.int64]:
        """Return `(n, 3, kinds)`: the spans that a model has right, that it names, and that are there."""
        return span_counts(self.said(model), self.truth, len(kinds_of(self.tags)))

    def right(self, model: str) -> NDArray[np.bool_]:
        """Return for each item whether the model's answer is right; multilabel items need every class right, texts
        every span."""
        return right_items(self.said(model), self.truth)

    def changed(self, candidate: str, baseline: str) -> NDArray[np.int64]:
        """Return the indices of the items about which two models say different things."""
        return np.flatnonzero(~right_items(self.said(candidate), self.said(baseline)))

    def _logits(self, model: str) -> NDArray[np.float32]:
        if model not in self.logits:
            raise InputError(f"no answers of {model!r}; there are {', '.join(self.logits)}")
        return self.logits[model]


def right_items(answers: NDArray[Any], labels: NDArray[Any]) -> NDArray[np.bool_]:
    """Say of each item whether its answer is right; of several labels, all must be."""
    same: NDArray[np.bool_] = answers == labels
    return np.all(same, axis=1) if same.ndim > 1 else same


def predicted(logits: NDArray[np.float32], multilabel: bool) -> NDArray[Any]:
    """Return the class of the largest logit of each row or word, or for multilabel which classes are over one half."""
    # The sigmoid of 0 is one half, so no exponential is needed to decide.
    return logits > 0 if multilabel else np.argmax(logits, axis=-1)


def collect_answers(
    predictors: Mapping[str, Predictor],
    preprocess: Callable[[Any], NDArray[Any]],
    samples: Iterable[tuple[Any, Label]],
    *,
    stack: Callable[[list[NDArray[Any]]], NDArray[Any]] = np.stack,
    batch_size: int = 32,
    multilabel: bool = False,
    tags: Sequence[str] = (),
    trace: Callable[[Any], Words] | None = None,
    embeddings: bool = False,
    classes: int = 0,
) -> Answers:
    """Ask several models about the same items in one pass; no more than one batch is held.

    Args:
        predictors: Model name to what answers a batch.
        preprocess: From a sample's input to its tensor without the batch axis, the runtime's preprocessing.
        samples: Pairs of input and label. Where all labels are None, the first model's answers stand for them.
        stack: Makes a batch of tensors; those of texts differ in length, and the runtime's way pads them.
        batch_size: Items a batch; the last one may be smaller.
        multilabel: Labels are tuples of class indices.
        tags: Names of the tags, where labels are spans of texts.
        trace: Gives the words of an input, where labels are spans.
        embeddings: The models give embeddings of length one; what is judged is whose neighbors they make.
        classes: How many labels such data has, where some may have no item.

    Raises:
        InputError: no samples, labels for some of them alone, or a label that the models have no class for.
    """
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in predictors}
    labels: list[Label] = []
    inputs: list[Any] = []
    truths: list[NDArray[np.int64]] = []
    for batch in _batches(samples, batch_size):
        tensor = stack([preprocess(item) for item, _ in batch])
        answers = {name: np.asarray(predict(tensor), dtype=np.float32) for name, predict in predictors.items()}
        words = [tagged_words(trace(item), label or (), tags) for item, label in batch] if trace else []
        truths += [one.tags for one in words]
        for name, rows in answers.items():
            parts[name] += [one.of(row) for one, row in zip(words, rows, strict=True)] if trace else [rows]
        labels.extend(label for _, label in batch)
        inputs.extend(item if isinstance(item, str | PathLike) else None for item, _ in batch)
    if not labels or not parts:
        raise InputError(f"{len(labels)} samples for {len(parts)} models: accuracy needs at least one of each")
    logits = {name: stack_words(rows, 0.0) if trace else np.concatenate(rows) for name, rows in parts.items()}
    first = next(iter(logits))
    if trace:
        return _tagged(labels, stack_words(truths, NO_WORD), logits, inputs, tuple(tags))
    if embeddings:
        near = {name: similarities(rows, labels, classes) for name, rows in logits.items()}  # type: ignore[arg-type]
        cosines = {name: mean_cosine(rows, logits[first]) for name, rows in logits.items()}
        return replace(_labeled(labels, near, inputs, multilabel), cosines=cosines)
    return _labeled(labels, logits, inputs, multilabel)


def _labeled(
    labels: list[Label], logits: dict[str, NDArray[np.float32]], inputs: list[Any], multilabel: bool
) -> Answers:
    first = next(iter(logits))
    if all(label is None for label in labels):
        return Answers(predicted(logits[first], multilabel), logits, inputs, reference=first)
    known: list[Any] = [label for label in labels if label is not None]
    if len(known) != len(labels):
        raise InputError(f"{len(labels) - len(known):,} of {len(labels):,} samples have no label; label all, or none")
    return Answers(_label_array(known, logits[first].shape[1], multilabel), logits, inputs)


def _tagged(
    labels: list[Label],
    truth: NDArray[np.int64],
    logits: dict[str, NDArray[np.float32]],
    inputs: list[Any],
    tags: tuple[str, ...],
) -> Answers:
    first = next(iter(logits))
    if any(label is not None for label in labels):
        return Answers(truth, logits, inputs, tags=tags)
    answers = np.where(truth == NO_WORD, NO_WORD, predicted(logits[first], False))
    return Answers(answers, logits, inputs, reference=first, tags=tags)


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
