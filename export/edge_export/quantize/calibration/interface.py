"""What calibration sees, and what it gives."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 2048
"""Of every histogram. A uint8 step is then 8 bins, so that a bin is an eighth of what a range can resolve."""

Ranges = dict[str, tuple[float, float]]
"""Tensor name to the smallest and largest value that int8 will represent."""


@dataclass(frozen=True)
class Histogram:
    """How often a tensor's values fell where, over all calibration samples."""

    low: float
    """Smallest value seen, the left edge of the first bin."""
    high: float
    counts: NDArray[np.int64]
    """`(BINS,)`, bins of equal width from `low` to `high`."""

    @property
    def edges(self) -> NDArray[np.float64]:
        """`(BINS + 1,)`."""
        return np.linspace(self.low, self.high, BINS + 1)

    @property
    def centers(self) -> NDArray[np.float64]:
        """`(BINS,)`."""
        edges = self.edges
        return (edges[:-1] + edges[1:]) / 2


@dataclass(frozen=True)
class Observation:
    """Every float activation of a graph, as the calibration samples made it."""

    histograms: dict[str, Histogram]
    means: dict[str, NDArray[np.float32]]
    """Tensor name to `(channels,)`, the mean over samples and positions; tensors of rank 2 and 4 (NCHW) only."""
    samples: int
