"""Graph passes: rewrites that keep every answer and earn their place by time, each for the precision it helps."""

from edge_export.optimize.global_pool import use_global_average_pool
from edge_export.optimize.interface import GraphPass, PassRecord
from edge_export.optimize.pipeline import optimize
from edge_export.optimize.simplify import simplify

__all__ = ["BASELINE_PASSES", "INT8_PASSES", "QDQ_PASSES", "GraphPass", "PassRecord", "optimize"]

BASELINE_PASSES: dict[str, GraphPass] = {
    "simplify": simplify,
    "global-average-pool": use_global_average_pool,
}
"""In the order in which they run, on the captured graph: the result is the float32 graph that int8 must beat."""

INT8_PASSES: dict[str, GraphPass] = {}
"""On the baseline, before calibration: forms that have an int8 kernel, some of them slower in float32."""

QDQ_PASSES: dict[str, GraphPass] = {}
"""On the quantized graph: where QuantizeLinear and DequantizeLinear stand. They keep every rounding."""
