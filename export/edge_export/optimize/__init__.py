"""Graph passes: rewrites that keep every answer and earn their place by time, each for the precision it helps."""

from edge_export.optimize.batch_norm import convolve_batch_norm
from edge_export.optimize.first_token import take_first_token_early
from edge_export.optimize.flat_attention import flatten_attention
from edge_export.optimize.global_pool import use_global_average_pool
from edge_export.optimize.hard_swish import align_hard_swish, split_hard_swish
from edge_export.optimize.interface import GraphPass, PassRecord
from edge_export.optimize.pad_channels import pad_depthwise
from edge_export.optimize.pipeline import optimize
from edge_export.optimize.quantized import QDQ_PASSES, finish_quantized
from edge_export.optimize.simplify import simplify
from edge_export.optimize.stem import unstride_stem

__all__ = [
    "BASELINE_PASSES",
    "INT8_PASSES",
    "QDQ_PASSES",
    "GraphPass",
    "PassRecord",
    "align_hard_swish",
    "finish_quantized",
    "optimize",
]

BASELINE_PASSES: dict[str, GraphPass] = {
    "simplify": simplify,
    "global-average-pool": use_global_average_pool,
    "first-token": take_first_token_early,
    "flat-attention": flatten_attention,
}
"""In the order in which they run, on the captured graph: the result is the float32 graph that int8 must beat."""

INT8_PASSES: dict[str, GraphPass] = {
    "unstride-stem": unstride_stem,
    "split-hard-swish": split_hard_swish,
    "pad-depthwise": pad_depthwise,
    "convolve-batch-norm": convolve_batch_norm,
}
"""On the baseline, before calibration: forms that have an int8 kernel, some of them slower in float32."""
