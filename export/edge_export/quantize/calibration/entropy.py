"""The interval whose 8-bit code says most about the values: the least Kullback-Leibler divergence."""

import numpy as np
from numpy.typing import NDArray

from edge_export.quantize.calibration.interface import Histogram, Range
from edge_export.quantize.calibration.tally import EVEN_BINS

BINS = EVEN_BINS
LEVELS = 128
"""Steps that the clipped histogram is merged into: those of one sign of an int8 code."""
SMALL = 1e-4
"""What an empty bin gets, taken from the full ones, so that the divergence stays finite; ONNX Runtime's value."""


def entropy(histogram: Histogram) -> Range:
    """Try every interval around zero that is at least `LEVELS` bins wide, and take the one that loses least.

    Migacz 2017, "8-bit Inference with TensorRT", as ONNX Runtime's calibrator does it: 2,048 bins from minus to plus
    the largest absolute value. (Its own default of 128 bins leaves a single interval to choose from, the whole.)
    """
    top = max(-histogram.low, histogram.high)
    if not top:
        return histogram.low, histogram.high
    edges = np.linspace(-top, top, BINS + 1)
    # Whole bins go where their centers lie: splitting them would leave fractions where the tails hold single values.
    centers = (histogram.edges[:-1] + histogram.edges[1:]) / 2
    counts = np.histogram(centers, edges, weights=histogram.counts)[0].astype(np.int64)
    half = BINS // 2
    losses = [_divergence(counts, half - reach, min(half + reach + 1, BINS)) for reach in range(LEVELS // 2, half + 1)]
    reach = LEVELS // 2 + int(np.argmin(losses))
    low, high = edges[half - reach], edges[min(half + reach + 1, BINS)]
    return max(float(low), histogram.low), min(float(high), histogram.high)


def _divergence(counts: NDArray[np.int64], first: int, last: int) -> float:
    """Compare the clipped histogram with its merged form; infinite where it holds nothing or is all outliers."""
    kept = counts[first:last]
    clipped = kept.copy()
    clipped[0] += counts[:first].sum()
    clipped[-1] += counts[last:].sum()
    full = clipped != 0
    merged = len(kept) // LEVELS
    starts = np.arange(LEVELS) * merged
    level = np.minimum(np.arange(len(kept)) // merged, LEVELS)  # the rest beyond the last level stays empty
    sums = np.add.reduceat(kept, starts)
    used = np.add.reduceat(full[: LEVELS * merged].astype(np.int64), starts)
    spread = np.append(np.where(used > 0, sums // np.maximum(used, 1), 0), 0)
    return _kl(_smooth(clipped), _smooth(spread[level]))


def _smooth(counts: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Move a little from full bins to empty ones; None where there is too little to move."""
    empty = counts == 0
    full = len(counts) - int(empty.sum())
    if not full:
        return None
    taken = SMALL * (len(counts) - full) / full
    if taken >= 1:
        return None
    return np.where(empty, SMALL, counts - taken)


def _kl(p: NDArray[np.float64] | None, q: NDArray[np.float64] | None) -> float:
    if p is None or q is None:
        return float("inf")
    share, other = p / p.sum(), q / q.sum()
    return float((share * np.log(share / other)).sum())
