"""Take the mean error that rounded weights make back out of the biases."""

import copy
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.quantize.transforms.graph import attributes, consumers

if TYPE_CHECKING:
    import onnx

Array = NDArray[np.float32]
LARGEST_CODE = 2**31 - 1

Tensors = Mapping[str, "onnx.TensorProto"]


def correct_biases(
    model: "onnx.ModelProto", quantized: "onnx.ModelProto", means: Mapping[str, Array]
) -> tuple["onnx.ModelProto", list["onnx.NodeProto"]]:
    """Return `model` with biases that cancel the mean error of its quantized weights, and the nodes that got them.

    Rounding turns weights W into W + d, which moves an output by d * x: not noise but a shift, d * E[x], that every
    layer after it sees (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction",
    section 4.2, with E[x] measured on the calibration samples). Pictures with a constant background feel it most. It
    costs nothing at run time. A convolution without a bias gets one.

    Args:
        model: float32 graph.
        quantized: What the quantizer made of it; its weights are named after the model's.
        means: Tensor name to the mean of each of its channels.
    """
    from onnx import numpy_helper

    corrected = copy.deepcopy(model)
    floats = {tensor.name: tensor for tensor in corrected.graph.initializer}
    rounded = {tensor.name: tensor for tensor in quantized.graph.initializer}
    uses = Counter(name for node in corrected.graph.node for name in node.input)
    changed = []
    for node in list(corrected.graph.node):
        shift = _shift(node, floats, rounded, means)
        name = None if shift is None else _bias(corrected.graph, node, floats, shift)
        # A bias that two layers share cannot be corrected for both.
        if shift is None or name is None or uses[name] > 1:
            continue
        bias = floats[name]
        bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) - shift, name))
        changed.append(node)
    return corrected, changed


def requantize_biases(quantized: "onnx.ModelProto", corrected: "onnx.ModelProto") -> bool:
    """Write the biases of `corrected` into `quantized` in place; False, and nothing written, where one does not fit.

    A convolution's or Gemm's bias is an int32 constant of its own. Quantizing the whole graph again, which takes
    seconds, changes nothing else but the scales of dead channels, which ONNX Runtime fits to their biases.
    """
    from onnx import numpy_helper

    tensors = {tensor.name: tensor for tensor in quantized.graph.initializer}
    floats = {tensor.name: tensor for tensor in corrected.graph.initializer}
    writers = {name: node for node in quantized.graph.node for name in node.output}
    nodes = {node.name: node for node in quantized.graph.node}
    written: dict[str, NDArray[np.int32]] = {}
    for node in corrected.graph.node:
        if node.op_type not in ("Conv", "Gemm") or len(node.input) < 3 or node.input[2] not in floats:
            continue
        source = writers.get(nodes[node.name].input[2])
        if source is None or source.op_type != "DequantizeLinear":
            continue
        scale = numpy_helper.to_array(tensors[source.input[1]])
        codes = np.rint(numpy_helper.to_array(floats[node.input[2]]).astype(np.float64) / scale)
        if np.abs(codes).max(initial=0) > LARGEST_CODE:
            return False
        written[source.input[0]] = codes.astype(np.int32)
    for name, values in written.items():
        tensors[name].CopyFrom(numpy_helper.from_array(values, name))
    return True


def _bias(
    graph: "onnx.GraphProto", node: "onnx.NodeProto", floats: dict[str, "onnx.TensorProto"], shift: Array
) -> str | None:
    """Name the constant that is added to the node's output, made where there is none; None where it cannot be."""
    from onnx import numpy_helper

    if node.op_type == "MatMul":
        after = consumers(graph, node.output[0])
        added = [name for one in after for name in one.input if name in floats]
        fits = len(after) == 1 and after[0].op_type == "Add" and len(added) == 1
        return added[0] if fits and tuple(floats[added[0]].dims) == shift.shape else None
    if len(node.input) > 2 and node.input[2]:
        return node.input[2] if node.input[2] in floats and tuple(floats[node.input[2]].dims) == shift.shape else None
    name = f"{node.input[1]}_{node.output[0]}_bias"
    graph.initializer.append(numpy_helper.from_array(np.zeros_like(shift), name))
    floats[name] = graph.initializer[-1]
    del node.input[2:]
    node.input.append(name)
    return name


def _shift(node: "onnx.NodeProto", floats: Tensors, rounded: Tensors, means: Mapping[str, Array]) -> Array | None:
    """Return the mean error of each output channel; None for nodes without quantized weights or a known mean."""
    if node.op_type not in ("Conv", "Gemm", "MatMul") or node.input[0] not in means:
        return None
    if f"{node.input[1]}_quantized" not in rounded or node.input[1] not in floats:
        return None
    values = attributes(node)
    if values.get("alpha", 1.0) != 1.0 or values.get("beta", 1.0) != 1.0:
        return None
    outputs_first = node.op_type == "Conv" or bool(values.get("transB", 0))
    error = _error(node.input[1], floats, rounded, 0 if outputs_first else 1)
    if not outputs_first:
        error = error.T
    if error.ndim < 2 or (node.op_type == "MatMul" and error.ndim != 2):
        return None
    # (out, in / group) mean errors, each times the mean of the input channel that it meets.
    per_input = error.reshape(*error.shape[:2], -1).sum(axis=2)
    groups = int(values.get("group", 1))
    met = means[node.input[0]].reshape(groups, -1).repeat(len(error) // groups, axis=0)
    return np.asarray((per_input * met).sum(axis=1), dtype=np.float32)


def _error(name: str, floats: Tensors, rounded: Tensors, axis: int) -> Array:
    """Return quantized minus float weights; `axis` is the output channels', along which there may be many scales."""
    from onnx import numpy_helper

    weights = numpy_helper.to_array(floats[name])
    parts = (numpy_helper.to_array(rounded[f"{name}_{part}"]) for part in ("quantized", "scale", "zero_point"))
    codes, scale, zero = (part.astype(np.float32) for part in parts)
    shape = [1] * weights.ndim
    if scale.size > 1:
        shape[axis] = -1
    error: Array = (codes - zero.reshape(shape)) * scale.reshape(shape) - weights
    return error
