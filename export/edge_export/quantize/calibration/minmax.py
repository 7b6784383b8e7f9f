"""The whole interval that was seen."""

from edge_export.quantize.calibration.interface import Histogram, Range


def minmax(histogram: Histogram) -> Range:
    """Clip nothing: right for activations without outliers, coarse for others."""
    return histogram.low, histogram.high
