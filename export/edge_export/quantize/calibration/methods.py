"""Name to calibration method."""

from collections.abc import Callable, Mapping
from functools import partial

from edge_export.quantize.calibration.entropy import entropy
from edge_export.quantize.calibration.interface import Histogram, Observation, Range, Ranges
from edge_export.quantize.calibration.minmax import minmax
from edge_export.quantize.calibration.mse import mse
from edge_export.quantize.calibration.percentile import percentile

METHODS: dict[str, Callable[[Histogram], Range]] = {
    "minmax": minmax,
    "percentile": percentile,
    "entropy": entropy,
    "mse": mse,
}
"""Name of a recipe's calibration to the method."""

PERCENTILE = 99.999
"""ONNX Runtime's own."""


def find_ranges(histograms: Mapping[str, Histogram], method: str, keep: float = PERCENTILE) -> Ranges:
    """Return the range of each tensor; `keep` is for `percentile`."""
    find = partial(percentile, keep=keep) if method == "percentile" else METHODS[method]
    return {name: find(histogram) for name, histogram in histograms.items()}


def settled_ranges(observation: Observation, method: str, keep: float = PERCENTILE) -> Ranges:
    """Return the range of each tensor of an observation; found once and remembered with it.

    `entropy` weighs thousands of nearly equal divergences, so that it wants counts in its own bins: another walk over
    the samples.
    """
    key = (method, keep)
    if key not in observation.ranges:
        again = observation.recount if method == "entropy" else None
        observation.ranges[key] = find_ranges(again() if again else observation.histograms, *key)
    return observation.ranges[key]
