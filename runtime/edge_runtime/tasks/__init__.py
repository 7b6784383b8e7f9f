"""What a model is asked for: each task is the kind of its input and one way from logits to answers.

| file | answer |
|---|---|
| `one_label.py` | the best of the labels, or `unknown` |
| `several_labels.py` | every label over one half |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from edge_runtime.manifest import Manifest, Variant
from edge_runtime.tasks.one_label import one_label
from edge_runtime.tasks.several_labels import several_labels

if TYPE_CHECKING:
    import numpy.typing as npt

    from edge_runtime.manifest import Task
    from edge_runtime.prediction import Prediction

__all__ = ["TASKS", "TaskKind", "is_multilabel", "predictions"]


class TaskKind(NamedTuple):
    """One task."""

    input: str
    """`kind` of the preprocessing contract."""
    answer: Callable[[npt.NDArray[Any], Manifest, Variant], list[Prediction]]
    """From `(n, labels)` logits to `n` answers."""


TASKS: dict[Task, TaskKind] = {
    "image-classification": TaskKind("image", one_label),
    "image-multilabel": TaskKind("image", several_labels),
    "text-classification": TaskKind("text", one_label),
    "text-multilabel": TaskKind("text", several_labels),
}


def is_multilabel(task: str) -> bool:
    """Whether an item of the task may have several labels, or none."""
    return task.endswith("-multilabel")


def predictions(logits: npt.NDArray[Any], manifest: Manifest, variant: Variant) -> list[Prediction]:
    """Turn `(n, labels)` logits into `n` answers by the bundle's rules."""
    return TASKS[manifest.task].answer(logits, manifest, variant)
