"""The whole interval that was seen."""

from edge_export.quantize.calibration.interface import Observation, Ranges


def minmax(observation: Observation) -> Ranges:
    """Clip nothing: right for activations without outliers, coarse for others."""
    return {name: (histogram.low, histogram.high) for name, histogram in observation.histograms.items()}
