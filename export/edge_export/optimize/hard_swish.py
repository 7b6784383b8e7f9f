"""Hard swish after a convolution as operators that have int8 kernels."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from edge_export.optimize.graph import (
    add_constant,
    attribute,
    constant,
    elementwise,
    label,
    operand,
    replace_output,
    rewrite,
    scale_producer,
    sole_reader,
)

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

ALPHA, BETA = 1 / 6, 0.5
"""Of the hard sigmoid inside hard swish; other slopes are left alone."""

HINGE = 3 / math.sqrt(6)
"""Where hard swish leaves zero, in the scaled tensor z."""


def split_hard_swish(model: "onnx.ModelProto") -> tuple["onnx.ModelProto", int]:
    """Rewrite `HardSwish(conv)` as a product of two int8-friendly halves of one tensor, for int8 only.

    ONNX Runtime has no int8 kernel for HardSigmoid, so a quantized MobileNetV3 changes to float and back 29 times.
    With y the convolution's output, hard swish is y * clip(y + 3, 0, 6) / 6. Scaling the convolution and moving its
    bias gives z = relu((y + 3) / sqrt(6)) for nothing, and then hard swish is (z - h) * min(z, 2 h), h = 3 / sqrt(6):
    below the hinge both sides are zero, and no later operator has to hold the 1/6. `align_hard_swish` and the passes
    on the quantized graph then leave one Clip of bytes and one QLinearMul of it.

    A hard swish that follows no convolution of its own with constant weights stays.
    """
    return rewrite(model, _split)


def _split(graph: "ir.Graph", node: "ir.Node") -> bool:
    found = _hard_swish(node)
    if found is None:
        return False
    source, old = found
    producer = source.producer()
    readers = {use.node for use in source.uses()}
    if producer is None or producer.op_type != "Conv" or source.is_graph_output() or not readers <= set(old):
        return False
    if not scale_producer(graph, producer, 1 / math.sqrt(6), 3.0):
        return False
    name = label(source)
    z = elementwise("Relu", [source], source, f"{name}_hinged")
    low = add_constant(graph, f"{name}_hinge", np.array(-HINGE, np.float32))
    ends = [
        add_constant(graph, f"{name}_{end}", np.array(value, np.float32))
        for end, value in (("zero", 0), ("knee", 2 * HINGE))
    ]
    shifted = elementwise("Add", [z.outputs[0], low], source, f"{name}_shifted")
    clipped = elementwise("Clip", [z.outputs[0], *ends], source, f"{name}_clipped")
    product = elementwise("Mul", [shifted.outputs[0], clipped.outputs[0]], source, f"{name}_product")
    graph.insert_before(old[-1], [z, shifted, clipped, product])
    replace_output(old[-1], product)
    graph.remove(list(reversed(old)), safe=True)
    return True


def _hard_swish(node: "ir.Node") -> "tuple[ir.Value, list[ir.Node]] | None":
    """Return the input of a hard swish that ends at `node` and the nodes that it consists of."""
    if node.op_type == "HardSwish":
        return operand(node, 0), [node]
    if node.op_type != "Mul":
        return None
    for gate, source in ((operand(node, 0), operand(node, 1)), (operand(node, 1), operand(node, 0))):
        inner = gate.producer()
        if inner is not None and _is_hard_sigmoid(inner) and inner.inputs[0] is source and sole_reader(gate) is node:
            return source, [inner, node]
    return None


def _is_hard_sigmoid(node: "ir.Node") -> bool:
    """Tell whether `node` is the hard sigmoid of MobileNetV3, whose slope is 1/6."""
    return (
        node.op_type == "HardSigmoid"
        and math.isclose(attribute(node, "alpha", 0.2), ALPHA, rel_tol=1e-4)
        and math.isclose(attribute(node, "beta", 0.5), BETA, rel_tol=1e-4)
    )


def align_hard_swish(
    model: "onnx.ModelProto", ranges: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Give the three tensors of each split hard swish one step, of which the hinge is a whole number.

    Then `z - h` is the same bytes as z with another zero point, and the clip works on bytes. The step grows by at most
    one part in the number of steps below the hinge.

    Args:
        model: What `split_hard_swish` gave.
        ranges: Of every activation; a copy with changed ones is returned.
    """
    import onnx_ir as ir

    aligned = dict(ranges)
    for node in ir.serde.deserialize_model(model).graph:
        if node.op_type != "Add" or not _is_hinge(node):
            continue
        z = operand(node, 0)
        clips = [use.node for use in z.uses() if use.node.op_type == "Clip"]
        if label(z) not in ranges or len(clips) != 1 or len(z.uses()) != 2:
            continue
        steps = min(255, math.floor(255 * HINGE / max(ranges[label(z)][1], HINGE)))
        top = 255 * HINGE / steps
        aligned[label(z)] = aligned[label(clips[0].outputs[0])] = (0.0, top)
        aligned[label(node.outputs[0])] = (-HINGE, top - HINGE)
    return aligned


def _is_hinge(node: "ir.Node") -> bool:
    value = constant(node.inputs[1])
    return value is not None and value.size == 1 and math.isclose(value.item(), -HINGE, rel_tol=1e-6)
