"""A histogram that grows with what it sees, and statistics by channel."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_export.quantize.calibration.interface import Array, Histogram

DEPTH = 14
BINS = 2**DEPTH
"""Around zero, half of them on each side: a range of one sign takes at least 4,096, so that an int8 step is 16 bins."""
EVEN_BINS = 2048
"""Of the histograms that `entropy` weighs."""
SMALLEST = -100
"""Least exponent of the largest value; whatever is smaller counts as this small."""


@dataclass
class Tally:
    """The counts of one tensor, sample by sample, in memory that does not grow."""

    low: float = math.inf
    high: float = -math.inf
    exponent: int = SMALLEST
    """The bins cover from minus to plus two to this power."""
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, dtype=np.int64))

    def add(self, values: Array) -> bool:
        """Count `values`, of any shape; False where one of them is not finite, and then none is counted."""
        low, high = float(values.min()), float(values.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            return False
        self.low, self.high = min(self.low, low), max(self.high, high)
        _, exponent = math.frexp(max(-low, high, 0.0))
        self._widen(exponent)
        bins = values.ravel() * np.float32(2.0 ** (DEPTH - 1 - self.exponent))
        np.floor(bins, out=bins)
        places = bins.astype(np.intp)
        places += BINS // 2
        self.counts += np.bincount(places, minlength=BINS)
        return True

    def histogram(self) -> Histogram:
        """Return what was counted, without empty bins at the ends."""
        used = np.flatnonzero(self.counts)
        first, last = int(used[0]), int(used[-1])
        width = 2.0 ** (self.exponent - DEPTH + 1)
        return Histogram(self.low, self.high, width, first - BINS // 2, self.counts[first : last + 1].copy())

    def _widen(self, exponent: int) -> None:
        """Merge neighboring bins until the widest value fits; bins start at zero, so that none is ever split."""
        merged = 2 ** min(max(exponent - self.exponent, 0), DEPTH - 1)
        if exponent > self.exponent:
            kept = self.counts.reshape(-1, merged).sum(axis=1)
            self.counts[:] = 0
            first = (BINS - len(kept)) // 2
            self.counts[first : first + len(kept)] = kept
            self.exponent = exponent


@dataclass
class EvenTally:
    """Counts in even bins around zero, whose ends are known before."""

    top: float
    """The largest absolute value."""
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(EVEN_BINS, dtype=np.int64))

    def add(self, values: Array) -> None:
        """Count `values`, of any shape: as `np.histogram` does, in a third of its time."""
        places = np.floor(values.ravel() * np.float64(EVEN_BINS / 2 / (self.top or 1.0))).astype(np.intp)
        places += EVEN_BINS // 2
        np.minimum(places, EVEN_BINS - 1, out=places)  # the last bin holds its right end too
        self.counts += np.bincount(places, minlength=EVEN_BINS)

    def histogram(self, seen: Histogram) -> Histogram:
        """Return what was counted, with the ends that were seen before."""
        return Histogram(seen.low, seen.high, 2 * self.top / EVEN_BINS, -EVEN_BINS // 2, self.counts)


@dataclass
class ChannelTally:
    """Mean and largest absolute value of each channel of one tensor."""

    axis: int
    """The channels'; negative ones count from the end."""
    peaks_too: bool
    total: NDArray[np.float64] | float = 0.0
    peaks: Array | float = 0.0
    samples: int = 0

    def add(self, values: Array) -> None:
        """See one sample, with its batch axis."""
        others = tuple(axis for axis in range(values.ndim) if axis != self.axis % values.ndim)
        self.total = self.total + values.mean(axis=others, dtype=np.float64)
        self.samples += 1
        if self.peaks_too:
            top = np.maximum(values.max(axis=others), -values.min(axis=others))
            self.peaks = np.maximum(self.peaks, top)
