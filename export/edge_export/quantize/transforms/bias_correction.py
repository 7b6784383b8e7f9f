"""Take the mean error that rounded weights make back out of the biases."""

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

Array = NDArray[np.float32]


def correct_biases(
    model: "onnx.ModelProto", quantized: "onnx.ModelProto", means: Mapping[str, Array]
) -> tuple["onnx.ModelProto", int]:
    """Return `model` with biases that cancel the mean error of its quantized weights, and how many changed.

    Rounding turns weights W into W + d, which moves an output by d * x: not noise but a shift, d * E[x], that every
    layer after it sees (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction",
    section 4.2, with E[x] measured on the calibration samples). Pictures with a constant background feel it most. It
    costs nothing at run time.

    Args:
        model: float32 graph.
        quantized: What the quantizer made of it; its weights are named after the model's.
        means: Tensor name to the mean of each of its channels.
    """
    from onnx import numpy_helper

    corrected = copy.deepcopy(model)
    floats = {tensor.name: tensor for tensor in corrected.graph.initializer}
    rounded = {tensor.name: tensor for tensor in quantized.graph.initializer}
    uses = [name for node in corrected.graph.node for name in node.input]
    changed = 0
    for node in corrected.graph.node:
        shift = _shift(node, floats, rounded, means)
        # A bias that two layers share cannot be corrected for both.
        if shift is None or len(node.input) < 3 or uses.count(node.input[2]) > 1:
            continue
        bias = floats[node.input[2]]
        bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) - shift, bias.name))
        changed += 1
    return corrected, changed


def _shift(
    node: "onnx.NodeProto",
    floats: Mapping[str, "onnx.TensorProto"],
    rounded: Mapping[str, "onnx.TensorProto"],
    means: Mapping[str, Array],
) -> Array | None:
    """Return the mean error of each output channel; None for nodes that are no quantized convolution or Gemm."""
    from onnx import numpy_helper

    names = [f"{node.input[1]}_{part}" for part in ("quantized", "scale")] if len(node.input) > 1 else []
    if node.op_type not in ("Conv", "Gemm") or not all(name in rounded for name in names) or node.input[0] not in means:
        return None
    attributes = {attribute.name: attribute.i for attribute in node.attribute}
    if node.op_type == "Gemm" and not attributes.get("transB", 0):
        return None
    weights = numpy_helper.to_array(floats[node.input[1]])
    codes, scale = (numpy_helper.to_array(rounded[name]).astype(np.float32) for name in names)
    error = codes * scale.reshape((-1,) + (1,) * (codes.ndim - 1)) - weights
    # (out, in / group) mean errors, each times the mean of the input channel that it meets.
    per_input = error.reshape(*error.shape[:2], -1).sum(axis=2)
    groups = attributes.get("group", 1)
    met = means[node.input[0]].reshape(groups, -1).repeat(len(error) // groups, axis=0)
    return np.asarray((per_input * met).sum(axis=1), dtype=np.float32)
