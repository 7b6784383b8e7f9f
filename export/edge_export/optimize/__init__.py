"""Graph passes: rewrites that keep every answer and earn their place by time."""

from edge_export.optimize.global_pool import use_global_average_pool
from edge_export.optimize.interface import GraphPass, PassRecord
from edge_export.optimize.pipeline import optimize
from edge_export.optimize.simplify import simplify

__all__ = ["PASSES", "GraphPass", "PassRecord", "optimize"]

PASSES: dict[str, GraphPass] = {
    "simplify": simplify,
    "global-average-pool": use_global_average_pool,
}
"""In the order in which they run."""
