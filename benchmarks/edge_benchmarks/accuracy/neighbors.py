"""Embeddings as answers: what an item's nearest neighbor among the others is, by each model's own embeddings.

With labels a model says the label of the neighbor that it finds, so every count, interval and verdict of classifiers
holds: an item is right when its nearest neighbor has its label. Without labels it says which item it found, and right
is what the first model found. No set beside the items is needed, on a device or in a report; that an item serves as a
neighbor too ties items a little, by far less than what one of them decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import InputError

_BLOCK = 512
"""Rows of similarities at once."""
MOST_UNLABELED = 5000
"""Items without labels that are compared: each has a column."""

Rows = NDArray[np.float32]


def similarities(rows: Rows, labels: Sequence[int | None], count: int = 0) -> Rows:
    """Return for each item how near the nearest other item of each class is, `(n, classes)`.

    Without labels it is how near each item is, `(n, n)`.

    Args:
        rows: `(n, width)` embeddings of length one.
        labels: The class of each item, or None for all.
        count: How many classes there are, if more than items say.

    Raises:
        InputError: fewer than two items, some labels alone, or too many items without.
    """
    classes = _classes(labels)
    found = []
    for start in range(0, len(rows), _BLOCK):
        near = rows[start : start + _BLOCK] @ rows.T
        at = np.arange(len(near))
        near[at, start + at] = -2.0  # under every cosine: nothing is its own neighbor
        found.append(near if classes is None else _of_classes(near, classes, count))
    return np.concatenate(found)


def _classes(labels: Sequence[int | None]) -> NDArray[np.int64] | None:
    if len(labels) < 2:
        raise InputError(f"{len(labels)} texts: a nearest neighbor takes two or more")
    known = [label for label in labels if label is not None]
    if not known:
        if len(labels) > MOST_UNLABELED:
            raise InputError(f"{len(labels):,} texts without labels: at most {MOST_UNLABELED:,} are compared")
        return None
    if len(known) != len(labels):
        raise InputError(f"{len(labels) - len(known):,} of {len(labels):,} texts have no label; label all, or none")
    return np.asarray(known, dtype=np.int64)


def _of_classes(near: Rows, classes: NDArray[np.int64], count: int) -> Rows:
    best = np.full((len(near), max(count, int(classes.max()) + 1)), -2.0, dtype=np.float32)
    for number in np.unique(classes):
        best[:, number] = near[:, classes == number].max(axis=1)
    return best


def mean_cosine(rows: Rows, others: Rows) -> float:
    """Return the mean cosine between two models' embeddings of the same items."""
    return float((rows * others).sum(axis=1, dtype=np.float64).mean())
