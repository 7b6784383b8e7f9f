"""Where a tensor needs other types or ranges than the recipe's: told to ONNX Runtime's quantizer one by one."""

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_export.quantize.calibration import Ranges, activation_names
from edge_export.quantize.recipe import Recipe
from edge_export.quantize.transforms.graph import attributes

if TYPE_CHECKING:
    import onnx

Overrides = dict[str, list[dict[str, Any]]]

LARGEST_BIAS = 2.0**31 * 0.99
LEVELS = 255


def find_overrides(model: "onnx.ModelProto", recipe: Recipe, ranges: Ranges) -> Overrides:
    """Return the overrides of a recipe's 16-bit tensors and of weights whose biases would not fit."""
    found = _sixteen_bits(model, recipe)
    if recipe.weights == "uint8" and recipe.per_channel:
        found |= _roomy_weights(model, ranges)
    return found


def _sixteen_bits(model: "onnx.ModelProto", recipe: Recipe) -> Overrides:
    """Ask for 16 bits for the tensors that the recipe names, by themselves or by the operators that write them."""
    from onnxruntime.quantization import QuantType

    wide = {"uint8": QuantType.QUInt16, "int8": QuantType.QInt16}[recipe.activations]
    named = set(recipe.int16_tensors)
    floats = set(activation_names(model))
    written = {name for node in model.graph.node if node.name in named for name in node.output}
    return {name: [{"quant_type": wide}] for name in sorted((named | written) & floats)}


def _roomy_weights(model: "onnx.ModelProto", ranges: Ranges) -> Overrides:
    """Widen the ranges of nearly dead channels of uint8 weights, so that their biases fit into an int32.

    A bias is coded in steps of the input's times the channel's. ONNX Runtime sees to this for int8 weights only; for
    uint8 ones it cuts the bias of a channel that batch normalization has switched off, which then answers 0.
    """
    from onnx import numpy_helper

    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    found: Overrides = {}
    for node in model.graph.node:
        if node.op_type not in ("Conv", "Gemm") or len(node.input) < 3 or node.input[0] not in ranges:
            continue
        weight, bias = (tensors.get(name) for name in node.input[1:3])
        if weight is None or bias is None:
            continue
        axis = 0 if node.op_type == "Conv" or attributes(node).get("transB", 0) else 1
        channels = np.moveaxis(numpy_helper.to_array(weight), axis, 0).reshape(weight.dims[axis], -1)
        biases = np.abs(numpy_helper.to_array(bias)).ravel()
        low, high = ranges[node.input[0]]
        step = (max(high, 0.0) - min(low, 0.0)) / LEVELS or 1.0
        needed = biases / (step * LARGEST_BIAS) * (LEVELS + 1) / 2
        tops = np.abs(channels).max(axis=1)
        if biases.size == tops.size and (needed > tops).any():
            ends = np.maximum(tops, needed)
            found[weight.name] = [{"axis": axis, "rmin": -end, "rmax": end} for end in ends.astype(np.float32)]
    return found
