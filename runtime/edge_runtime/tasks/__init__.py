"""What a model is asked for: a task is the way from the model's answers to ours.

| file | answer |
|---|---|
| `one_label.py` | the best of the labels, or `unknown` |
| `several_labels.py` | every label over one half |
| `tags.py` | the spans of a text that its words' tags give |
| `embedding.py` | a row of numbers, to be compared with others |
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from edge_runtime.tasks.embedding import embedding, of_length_one
from edge_runtime.tasks.one_label import mean, one_label
from edge_runtime.tasks.several_labels import largest, several_labels
from edge_runtime.tasks.tags import of_owner, tags

if TYPE_CHECKING:
    import numpy.typing as npt

    from edge_runtime.manifest import Manifest, Task, Variant
    from edge_runtime.prediction import Prediction
    from edge_runtime.preprocessing.interface import Join

__all__ = ["TASKS", "TaskKind", "is_embedding", "is_multilabel", "predictions"]


class TaskKind(NamedTuple):
    """One task."""

    answer: Callable[[npt.NDArray[Any], Manifest, Variant, Sequence[Any]], list[Prediction]]
    """From `(n, *answer_shape(task))` values to `n` answers; last, what `trace` says of the inputs."""
    join: Join
    """From `(windows, *shape)` values of one input to its shape."""
    traced: bool = False
    """Whether `answer` needs those."""


TASKS: dict[Task, TaskKind] = {
    "image-classification": TaskKind(one_label, mean),
    "image-multilabel": TaskKind(several_labels, largest),
    "text-classification": TaskKind(one_label, mean),
    "text-multilabel": TaskKind(several_labels, largest),
    "text-tokens": TaskKind(tags, of_owner, True),
    "text-embedding": TaskKind(embedding, of_length_one),
}


def is_multilabel(task: str) -> bool:
    """Whether an item of the task may have several labels, or none."""
    return task.endswith("-multilabel")


def is_embedding(task: str) -> bool:
    """Whether the model's answer is an embedding, and the bundle has no labels."""
    return task.endswith("-embedding")


def predictions(
    logits: npt.NDArray[Any], manifest: Manifest, variant: Variant, traces: Sequence[Any] = ()
) -> list[Prediction]:
    """Turn what a model answered into `n` answers by the bundle's rules; `traces` where the task is `traced`."""
    return TASKS[manifest.task].answer(logits, manifest, variant, traces)
