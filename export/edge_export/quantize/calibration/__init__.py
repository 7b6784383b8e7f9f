"""Calibration: what each activation was seen to be, and the methods that turn it into a range."""

from collections.abc import Callable

from edge_export.quantize.calibration.interface import Observation, Ranges
from edge_export.quantize.calibration.minmax import minmax
from edge_export.quantize.calibration.mse import mse
from edge_export.quantize.calibration.observe import activation_names, observe
from edge_export.quantize.calibration.percentile import percentile

__all__ = ["METHODS", "Observation", "Ranges", "activation_names", "observe"]

METHODS: dict[str, Callable[[Observation], Ranges]] = {
    "minmax": minmax,
    "percentile": percentile,
    "mse": mse,
}
"""Name of a recipe's calibration to the method."""
