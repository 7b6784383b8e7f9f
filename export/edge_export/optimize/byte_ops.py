"""Passes on the quantized graph that work on bytes where the quantizer goes through float; each keeps every bit."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.optimize.graph import add_constant, constant, elementwise, rewrite, sole_reader

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

Parameters = tuple[float, int, "np.dtype[np.generic]"]
"""Scale, zero point and type of a tensor quantized as a whole."""

ROUNDING_GAP = 1e-3
"""Of a step: how far from a whole number of steps an offset may be. Rounding moves a value by less than half a step."""

BYTES = (np.dtype(np.uint8), np.dtype(np.int8))
"""Types that ONNX Runtime's Clip takes; it takes no 16-bit ones."""

SAME_STEP = 1e-6
"""Relative difference of two steps that came from one range by different float operations."""


def clip_bytes(model: "onnx.ModelProto") -> tuple["onnx.ModelProto", int]:
    """Rewrite DequantizeLinear, Clip, QuantizeLinear of one scale and zero point as a Clip of bytes."""
    return rewrite(model, _clip)


def shift_zero_points(model: "onnx.ModelProto") -> tuple["onnx.ModelProto", int]:
    """Rewrite an addition of a whole number of steps as the same bytes with another zero point."""
    return rewrite(model, _shift)


def _clip(graph: "ir.Graph", node: "ir.Node") -> bool:
    between = _between(node) if node.op_type == "Clip" and len(node.inputs) == 3 else None
    ends = [constant(value) for value in node.inputs[1:]]
    if between is None or between.first != between.second or any(end is None for end in ends):
        return False
    scale, zero, dtype = between.first
    limits = np.iinfo(np.uint8 if dtype == np.uint8 else np.int8)
    codes = [
        np.array(np.clip(np.rint(end.item() / scale) + zero, limits.min, limits.max), dtype)
        for end in ends
        if end is not None
    ]
    name = node.outputs[0].name
    bounds = [add_constant(graph, f"{name}_{end}", code) for end, code in zip(("low", "high"), codes, strict=True)]
    clip = elementwise("Clip", [between.codes, *bounds], node.outputs[0], f"{name}_bytes", dtype=dtype)
    graph.insert_before(node, clip)
    between.quantized.replace_all_uses_with(clip.outputs[0])
    return True


def _shift(graph: "ir.Graph", node: "ir.Node") -> bool:
    between = _between(node) if node.op_type == "Add" else None
    offset = dequantized_constant(node.inputs[1]) if between else None
    if between is None or offset is None or offset.size != 1:
        return False
    (step, zero, dtype), (new_step, new_zero, new_dtype) = between.first, between.second
    if dtype != new_dtype or not math.isclose(step, new_step, rel_tol=SAME_STEP):
        return False
    steps = float(offset.reshape(())) / step
    if abs(steps + new_zero - zero) > ROUNDING_GAP:
        return False
    between.quantized.replace_all_uses_with(between.codes)
    return True


@dataclass(frozen=True)
class Between:
    """What stands before and after a float operator of a quantized graph."""

    codes: "ir.Value"
    """What DequantizeLinear reads."""
    quantized: "ir.Value"
    """What QuantizeLinear writes."""
    first: "Parameters"
    second: "Parameters"


def _between(node: "ir.Node") -> Between | None:
    """Return what surrounds `node` where that is one DequantizeLinear and one QuantizeLinear of bytes."""
    before = node.inputs[0].producer() if node.inputs[0] is not None else None
    after = sole_reader(node.outputs[0])
    if before is None or before.op_type != "DequantizeLinear" or after is None or after.op_type != "QuantizeLinear":
        return None
    codes, first, second = before.inputs[0], parameters(before), parameters(after)
    if codes is None or first is None or second is None or first[2] not in BYTES or after.outputs[0].is_graph_output():
        return None
    return Between(codes, after.outputs[0], first, second)


def parameters(node: "ir.Node") -> "Parameters | None":
    """Return scale, zero point and type of a Quantize- or DequantizeLinear with one scale for the whole tensor."""
    scale, zero = constant(node.inputs[1]), constant(node.inputs[2] if len(node.inputs) > 2 else None)
    if scale is None or zero is None or scale.size != 1:
        return None
    return float(scale.reshape(())), int(zero.reshape(())), zero.dtype


def dequantized_constant(value: "ir.Value | None") -> "NDArray[np.float32] | None":
    """Return a float constant, also one that the quantizer stored as bytes."""
    found = constant(value)
    if found is not None or value is None:
        return found
    node = value.producer()
    codes = constant(node.inputs[0]) if node is not None and node.op_type == "DequantizeLinear" else None
    if node is None or codes is None:
        return None
    given = parameters(node)
    return None if given is None else (codes.astype(np.float32) - np.float32(given[1])) * np.float32(given[0])
