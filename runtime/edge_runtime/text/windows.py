"""A text longer than the model, as windows of its tokens that overlap by a quarter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

OVERLAP = 4
"""Windows share at least one part in this many with the next, so that what one cuts through another has whole."""


class Windows(NamedTuple):
    """What the model sees of one text."""

    rows: npt.NDArray[np.int64]
    """`(windows, length)`, each with the special tokens around it."""
    owner: tuple[npt.NDArray[Any], npt.NDArray[Any]]
    """Of each token of the text: the window with the most around it, and the token's place there."""


def windows_of(row: npt.NDArray[np.int64], size: int, edges: tuple[int, int]) -> Windows:
    """Cut a row of tokens into as few windows of `size` as overlap enough, spread evenly.

    Args:
        row: `(length,)`.
        size: Most tokens of a window.
        edges: How many special tokens a row begins and ends with.
    """
    before, after = edges
    room = size - before - after
    more = len(row) - size
    if more <= 0:
        return Windows(row[None], (np.zeros(len(row), dtype=np.int64), np.arange(len(row))))
    steps = -(-more // (room - room // OVERLAP))
    starts = np.arange(steps + 1) * more // steps
    inner, end = row[before:], row[len(row) - after :]
    rows = np.stack([np.concatenate([row[:before], inner[at : at + room], end]) for at in starts])
    middles = (starts[:-1] + starts[1:] + room) // 2
    window = np.searchsorted(middles, np.arange(len(row)) - before, side="right")
    return Windows(rows, (window, np.arange(len(row)) - starts[window]))
