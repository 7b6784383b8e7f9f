"""Calibration: what each activation was seen to be, and the methods that turn it into a range."""

from edge_export.quantize.calibration.interface import Histogram, Observation, Range, Ranges, Settling
from edge_export.quantize.calibration.methods import METHODS, find_ranges, settled_ranges
from edge_export.quantize.calibration.observe import SETTLE_BY, Cache, Inputs, observe
from edge_export.quantize.calibration.tensors import activation_names

__all__ = [
    "METHODS",
    "SETTLE_BY",
    "Cache",
    "Histogram",
    "Inputs",
    "Observation",
    "Range",
    "Ranges",
    "Settling",
    "activation_names",
    "find_ranges",
    "observe",
    "settled_ranges",
]
