"""The interval that holds a given share of the values."""

import numpy as np
from numpy.typing import NDArray

from edge_export.quantize.calibration.interface import Histogram, Range


def percentile(histogram: Histogram, keep: float = 99.999) -> Range:
    """Keep `keep` percent of the values and cut as many off at each end, as ONNX Runtime's calibrator does."""
    below = np.concatenate([[0], np.cumsum(histogram.counts)])
    cut = (100.0 - keep) / 200.0
    low, high = (_quantile(share * below[-1], below, histogram.edges) for share in (cut, 1 - cut))
    return low, high


def _quantile(count: float, below: NDArray[np.int64], edges: NDArray[np.float64]) -> float:
    """Find where `count` values lie below; within the first bin that reaches it, by a straight line."""
    last = max(int(np.searchsorted(below, count - 1e-6)), 1)
    inside = (count - below[last - 1]) / (below[last] - below[last - 1])
    return float(edges[last - 1] + np.clip(inside, 0.0, 1.0) * (edges[last] - edges[last - 1]))
