"""The interval that holds all but a given share of the values."""

import numpy as np

from edge_export.quantize.calibration.interface import Histogram, Observation, Ranges

CLIPPED = 1e-5
"""Share of values cut off at each end; ONNX Runtime's default percentile, 99.999, cuts as many."""


def percentile(observation: Observation) -> Ranges:
    """Cut `CLIPPED` of the values off each end, to the edge of the bin that holds the quantile."""
    return {name: _range(histogram) for name, histogram in observation.histograms.items()}


def _range(histogram: Histogram) -> tuple[float, float]:
    share = np.cumsum(histogram.counts) / histogram.counts.sum()
    first = int(np.searchsorted(share, CLIPPED, side="right"))
    last = int(np.searchsorted(share, 1 - CLIPPED, side="left"))
    edges = histogram.edges
    return float(edges[first]), float(edges[min(last + 1, len(edges) - 1)])
