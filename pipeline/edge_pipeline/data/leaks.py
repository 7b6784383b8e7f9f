"""Finds what is in two splits at once, exactly or nearly, and what has the same bytes and other labels."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Likeness(Protocol):
    """Tells which items of a data set are nearly the same."""

    def near(self, rows: NDArray[np.int64], others: NDArray[np.int64]) -> dict[int, int]:
        """Return for each of `rows` that is nearly the same as one of `others` that other row, never itself."""
        ...


def same_content(sha256: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return `(n,)` numbers, equal exactly where the `(n, 32)` digests are."""
    return np.unique(sha256, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def across_splits(keys: NDArray[np.int64], splits: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return pairs of rows with the same key in two splits: for each such key its first row in either split."""
    first: dict[int, dict[int, int]] = {}
    for row, (key, split) in enumerate(zip(keys.tolist(), splits.tolist(), strict=True)):
        first.setdefault(key, {}).setdefault(split, row)
    pairs = []
    for rows in first.values():
        ordered = sorted(rows.values())
        pairs += [(ordered[0], other) for other in ordered[1:]]
    return pairs


def conflicts(keys: NDArray[np.int64], labels: Sequence[tuple[str, ...]]) -> list[list[int]]:
    """Return the rows of each key whose items have different labels."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order])) + 1
    sets = [rows.tolist() for rows in np.split(order, starts) if len(rows) > 1]
    return [rows for rows in sets if len({labels[row] for row in rows}) > 1]
