"""Accuracy of two bundles on the same labeled items, as one more benchmark of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edge_benchmarks.accuracy import Answers, Label, ask_models
from edge_benchmarks.accuracy.paired import Paired, number_groups
from edge_benchmarks.compare.effects import Shares
from edge_benchmarks.compare.judge import Question
from edge_benchmarks.measurements import Measurement
from edge_benchmarks.statistics.proportions import wilson_interval
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from edge_runtime import Model

Data = Callable[["Model"], Iterable[tuple[Any, Label]]]
"""Gives the labeled items for a bundle's model; they may have `groups`, one name an item."""


def accuracy_question(
    base: Path, new: Path, variant: str, data: Data, *, name: str, device: Literal["cpu", "cuda"], threads: int | None
) -> Question:
    """Ask both bundles about the same items, each by its own preprocessing.

    Args:
        base: A bundle.
        new: A bundle.
        variant: Of both.
        data: The items.
        name: What the benchmark calls the bundle.
        device: Where to run.
        threads: As in `edge_runtime.load`.

    Raises:
        InputError: the two were asked about different items, or there is no label.
    """
    was, groups = _answers(base, variant, data, device, threads)
    now, _ = _answers(new, variant, data, device, threads)
    if was.reference or now.reference:
        raise InputError("the items have no labels, and accuracy needs them; give labeled data")
    if was.labels.shape != now.labels.shape or not np.array_equal(was.labels, now.labels):
        raise InputError("the two bundles were given different items or labels; give data that both have the labels of")
    right, right_now = was.right(_NAME), now.right(_NAME)
    n = len(right)
    paired = Paired(right.astype(np.int64) - right_now, number_groups(groups, n))
    measured = [_measurement(name, variant, int(one.sum()), n) for one in (right, right_now)]
    return Question(measured[0], measured[1], Shares(paired))


_NAME = "model"


def _answers(
    path: Path, variant: str, data: Data, device: Literal["cpu", "cuda"], threads: int | None
) -> tuple[Answers, tuple[str, ...] | None]:
    from edge_runtime import load

    model = load(path, device=device, variant=variant, threads=threads)
    items = data(model)
    return ask_models({_NAME: model}, items), getattr(items, "groups", None)


def _measurement(name: str, variant: str, right: int, n: int) -> Measurement:
    interval = wilson_interval(right, n)
    return Measurement(name, variant, "static", "accuracy", interval.estimate, interval.low, interval.high, n)
