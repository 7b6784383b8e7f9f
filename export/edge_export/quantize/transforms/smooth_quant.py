"""SmoothQuant: move outlier channels from the activations of a transformer into the weights that read them."""

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.quantize.bodies import captured_names
from edge_export.quantize.transforms.check import check_same
from edge_export.quantize.transforms.graph import attributes, consumers, private_initializers

if TYPE_CHECKING:
    import onnx

Array = NDArray[np.float32]
Tensors = dict[str, "onnx.TensorProto"]

PRODUCTS = frozenset({"Gemm", "MatMul"})


def smooth(
    model: "onnx.ModelProto", peaks: Mapping[str, Array], alpha: float, batch: Mapping[str, NDArray[Any]]
) -> tuple["onnx.ModelProto", int]:
    """Return `model` with rescaled inputs of matrix products that compute the same, and how many products.

    Channel j of an input X is divided by s_j = max|X_j|^alpha / max|W_j|^(1 - alpha), row j of the weights W multiplied
    by it (Xiao et al. 2022, arXiv 2211.10438, equation 4). The division goes into the layer normalization before, at no
    cost at run time; where others read its output too, as the residual of BERT does, a Mul divides for the products.

    Args:
        model: A prepared float32 graph; left as it was.
        peaks: Tensor name to the largest absolute value of each channel.
        alpha: Share of the range that moves; the paper takes 0.5.
        batch: One input of each name, for the check.

    Raises:
        RefusedError: the outputs changed by more than float rounding.
    """
    changed = copy.deepcopy(model)
    graph = changed.graph
    writers = {name: node for node in graph.node for name in node.output}
    smoothed = 0
    for name in [name for name in peaks if name in writers]:
        products = [node for node in consumers(graph, name) if node.op_type in PRODUCTS and node.input[0] == name]
        private = private_initializers(graph)
        if not products or any(node.input[1] not in private for node in products):
            continue
        affine = _affine(graph, writers, name)
        if affine is None:
            continue
        scale = _scale(peaks[name], products, private, alpha)
        if np.allclose(scale, 1.0):
            continue
        free = _is_free(graph, name, affine, products) and all(one in private for one in affine[1])
        if free:
            for one in affine[1]:
                _multiply(private[one], 1 / scale)
        else:
            _insert_division(graph, name, products, scale)
        for node in products:
            _multiply(private[node.input[1]], scale, _rows(node, private[node.input[1]]))
        smoothed += len(products)
    if smoothed:
        check_same("smooth_quant", model, changed, batch)
    return changed, smoothed


def _affine(
    graph: "onnx.GraphProto", writers: Mapping[str, "onnx.NodeProto"], name: str
) -> tuple[list["onnx.NodeProto"], list[str]] | None:
    """Find the nodes of the normalization that writes `name`, and its gain and offset; None where there is none."""
    constants = {tensor.name for tensor in graph.initializer}
    node = writers[name]
    if node.op_type in ("LayerNormalization", "RMSNormalization") and name == node.output[0]:
        return [node], [one for one in node.input[1:3] if one]
    # The same written out: Add(Mul(normalized, gain), offset), or without an offset.
    offset = [one for one in node.input if one in constants] if node.op_type == "Add" else []
    scaled = next((writers[one] for one in node.input if one in writers), None) if offset else node
    gain = [one for one in scaled.input if one in constants] if scaled and scaled.op_type == "Mul" else []
    if scaled is None or len(gain) != 1 or len(offset) > 1:
        return None
    return [scaled, *([node] if offset else [])], [*gain, *offset]


def _is_free(
    graph: "onnx.GraphProto",
    name: str,
    affine: tuple[list["onnx.NodeProto"], list[str]],
    products: list["onnx.NodeProto"],
) -> bool:
    """Say whether only the products read the normalization's output, and only it reads what lies inside."""
    shown = {info.name for info in graph.output} | captured_names(graph)
    inside = [node.output[0] for node in affine[0][:-1]]
    return (
        not shown & {name, *inside}
        and len(consumers(graph, name)) == len(products)
        and all(len(consumers(graph, one)) == 1 for one in inside)
    )


def _rows(node: "onnx.NodeProto", weights: "onnx.TensorProto") -> int:
    """Return the axis of the weights that meets the input's channels."""
    if node.op_type == "Gemm":
        return 1 if attributes(node).get("transB", 0) else 0
    return max(len(weights.dims) - 2, 0)


def _scale(peaks: Array, products: list["onnx.NodeProto"], private: Tensors, alpha: float) -> NDArray[np.float64]:
    from onnx import numpy_helper

    weights = np.zeros(len(peaks))
    for node in products:
        values = np.abs(numpy_helper.to_array(private[node.input[1]]))
        rows = _rows(node, private[node.input[1]])
        weights = np.maximum(weights, values.max(axis=tuple(axis for axis in range(values.ndim) if axis != rows)))
    alive = (peaks > 0) & (weights > 0)
    top = np.where(alive, peaks, 1.0).astype(np.float64) ** alpha
    result: NDArray[np.float64] = np.where(alive, top / np.where(alive, weights, 1.0) ** (1 - alpha), 1.0)
    return result


def _multiply(tensor: "onnx.TensorProto", factor: NDArray[np.float64], axis: int | None = None) -> None:
    from onnx import numpy_helper

    values = np.atleast_1d(numpy_helper.to_array(tensor).astype(np.float64))  # a gain may be one number for all
    shape = [1] * values.ndim
    shape[-1 if axis is None else axis] = -1
    product = (values * factor.reshape(shape)).astype(np.float32)
    tensor.CopyFrom(numpy_helper.from_array(product, tensor.name))


def _insert_division(
    graph: "onnx.GraphProto", name: str, products: list["onnx.NodeProto"], scale: NDArray[np.float64]
) -> None:
    from onnx import TensorProto, helper, numpy_helper

    divided, factor = f"{name}_smoothed", f"{name}_smoothing"
    graph.initializer.append(numpy_helper.from_array((1 / scale).astype(np.float32), factor))
    info = next((one for one in graph.value_info if one.name == name), None)
    shape = info.type.tensor_type if info else None
    value = helper.make_tensor_value_info(divided, TensorProto.FLOAT, None)
    if shape is not None:
        value.type.tensor_type.CopyFrom(shape)
    graph.value_info.append(value)
    first = min(list(graph.node).index(node) for node in products)
    graph.node.insert(first, helper.make_node("Mul", [name, factor], [divided], name=f"{name}:smooth"))
    for node in graph.node:
        if any(node.name == one.name for one in products):
            node.input[0] = divided
