"""The interval with the least mean squared error of an 8-bit code."""

import numpy as np
from numpy.typing import NDArray

from edge_export.quantize.calibration.interface import Histogram, Range

LEVELS = 255
BINS = 2048
"""Of the histogram that is searched: an int8 step is 8 bins."""
SHRINKS = np.linspace(0.2, 1.0, 41)
"""Shares of each end that are tried; below a fifth, clipping always costs more than a finer step gains."""


def mse(histogram: Histogram) -> Range:
    """Balance what clipping loses against what a finer step gains."""
    if histogram.low == histogram.high:  # an end of the range is coded exactly
        return histogram.low, histogram.high
    lows = histogram.low * SHRINKS if histogram.low < 0 else np.array([histogram.low])
    highs = histogram.high * SHRINKS if histogram.high > 0 else np.array([histogram.high])
    # Zero is always represented, so the step spans at least from 0 to the far end.
    step = (np.maximum(highs, 0)[None, :] - np.minimum(lows, 0)[:, None]) / LEVELS
    below, above = _clipping_loss(histogram, lows, highs)
    # A value inside the range is rounded: uniform within a step, so the squared error is a twelfth of its square.
    loss = step**2 / 12 * histogram.counts.sum() + below[:, None] + above[None, :]
    at_low, at_high = np.unravel_index(int(np.argmin(loss)), loss.shape)
    return float(lows[at_low]), float(highs[at_high])


def _clipping_loss(
    histogram: Histogram, lows: NDArray[np.float64], highs: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum the squared distances of the values cut off at each candidate end."""
    edges = np.linspace(histogram.low, histogram.high, BINS + 1)
    counts, centers = histogram.resampled(edges), (edges[:-1] + edges[1:]) / 2
    distance = np.maximum(lows[:, None] - centers, 0.0)
    below = (distance**2 * counts).sum(axis=1)
    distance = np.maximum(centers - highs[:, None], 0.0)
    return below, (distance**2 * counts).sum(axis=1)
