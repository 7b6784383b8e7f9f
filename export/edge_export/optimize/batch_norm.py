"""Batch norms that follow no convolution as convolutions of their own, which have an int8 kernel."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.optimize.graph import (
    add_constant,
    attribute,
    constant,
    elementwise,
    label,
    operand,
    replace_output,
    rewrite,
)

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class _Affine:
    """What a batch norm does in inference: `factor * x + shift`, one of each a channel."""

    factor: Doubles
    shift: Doubles


def convolve_batch_norm(model: "onnx.ModelProto") -> tuple["onnx.ModelProto", int]:
    """Rewrite a batch norm of pictures as a convolution of 1x1 that keeps channels apart, for int8 only.

    There is no int8 kernel of BatchNormalization, so networks that normalize before they convolve (DenseNet,
    pre-activation ResNet) change to float and back at each; that of the convolution takes the activation with it.

    Folding it into the convolution after it would be exact where that one does not pad, but an activation stands
    between them in every network that was looked at.
    """
    return rewrite(model, _convolve)


def _convolve(graph: "ir.Graph", node: "ir.Node") -> bool:
    import onnx_ir as ir

    affine, shape = _affine(node), node.inputs[0].shape if node.inputs and node.inputs[0] is not None else None
    if affine is None or shape is None or len(shape) != 4:
        return False
    source = operand(node, 0)
    name = label(node.outputs[0])
    weights = add_constant(graph, f"{name}_weights", affine.factor.astype(np.float32).reshape(-1, 1, 1, 1))
    bias = add_constant(graph, f"{name}_bias", affine.shift.astype(np.float32))
    conv = elementwise("Conv", [source, weights, bias], node.outputs[0], f"{name}_normalized")
    for key, values in (("kernel_shape", [1, 1]), ("strides", [1, 1]), ("dilations", [1, 1]), ("pads", [0] * 4)):
        conv.attributes[key] = ir.AttrInt64s(key, values)
    conv.attributes["group"] = ir.AttrInt64("group", len(affine.factor))
    graph.insert_before(node, conv)
    replace_output(node, conv)
    graph.remove(node, safe=True)
    return True


def _affine(node: "ir.Node") -> _Affine | None:
    """Return what a batch norm with constant parameters does; None for other nodes, and in training mode."""
    if node.op_type != "BatchNormalization" or len(node.inputs) != 5 or attribute(node, "training_mode", 0):
        return None
    parameters = [constant(value) for value in node.inputs[1:]]
    if any(value is None for value in parameters):
        return None
    scale, bias, mean, variance = (np.asarray(value, np.float64) for value in parameters)
    factor = scale / np.sqrt(variance + attribute(node, "epsilon", 1e-5))
    return _Affine(factor, bias - mean * factor)
