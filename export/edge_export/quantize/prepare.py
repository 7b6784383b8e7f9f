"""Bring a float graph into the form that calibration and the quantizers read: the same for both, whatever the exporter.

Every node has a name of its own, constants are initializers, the type of every tensor is known, weights are finite.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_export.quantize.bodies import body_notes
from edge_export.quantize.tensor_types import infer_types
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    import onnx

WEIGHTED = {"Conv": 1, "ConvTranspose": 1, "Gemm": 1, "MatMul": 1, "Gather": 0}
"""Operator to the input that holds its weights, where they are constant."""
OLDEST_OPSET = 13
"""The first whose DequantizeLinear takes one scale for each channel."""


@dataclass(frozen=True)
class Prepared:
    """A graph that can be quantized."""

    model: "onnx.ModelProto"
    notes: tuple[str, ...]
    """What someone should know of what will stay in float."""


def prepare(model: "onnx.ModelProto") -> Prepared:
    """Return a prepared copy of `model`; preparing it again changes nothing.

    Raises:
        InputError: it is quantized already, a weight is NaN or infinite, or its opset is too old to be converted.
    """
    prepared = _recent(model)
    graph = prepared.graph
    if any(node.op_type in ("QuantizeLinear", "DynamicQuantizeLinear", "DequantizeLinear") for node in graph.node):
        raise InputError("the model is quantized already; give the float32 model it was made of")
    _lift_constants(graph)
    name_nodes(graph)
    _check_weights(graph)
    _fold_gemm_factors(graph)
    infer_types(prepared)
    return Prepared(prepared, tuple(body_notes(graph)))


def _recent(model: "onnx.ModelProto") -> "onnx.ModelProto":
    from onnx import version_converter

    version = next((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), 1)
    if version >= OLDEST_OPSET:
        return copy.deepcopy(model)
    try:
        return version_converter.convert_version(model, OLDEST_OPSET)
    except Exception as error:  # the converter raises what its C++ code throws
        raise InputError(
            f"opset {version}: int8 needs {OLDEST_OPSET}, and the graph cannot be converted "
            f"({str(error).splitlines()[0][:200]}); export it again with a newer opset"
        ) from error


def _lift_constants(graph: "onnx.GraphProto") -> None:
    """Turn constants into initializers: quantizers look for weights nowhere else.

    PaddleOCR writes weights as `Constant` nodes, torch's older exporter shares biases by `Identity` nodes.
    """
    from onnx import numpy_helper

    kept = []
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    shown = {info.name for info in graph.output}
    for node in graph.node:
        value = None
        if node.domain in ("", "ai.onnx") and not shown.intersection(node.output):
            value = _constant(node, initializers)
        if value is None:
            kept.append(node)
        else:
            tensor = graph.initializer.add()
            tensor.CopyFrom(numpy_helper.from_array(value, node.output[0]))
            initializers[tensor.name] = tensor
    if len(kept) < len(graph.node):
        del graph.node[:]
        graph.node.extend(kept)


def _constant(node: "onnx.NodeProto", initializers: "Mapping[str, onnx.TensorProto]") -> Any:
    """Return what a `Constant`, or an `Identity` of a constant, holds; None for others, texts and sparse tensors."""
    from onnx import helper, numpy_helper

    if node.op_type == "Identity" and node.input[0] in initializers:
        return numpy_helper.to_array(initializers[node.input[0]])
    if node.op_type != "Constant":
        return None
    attribute = node.attribute[0]
    value = helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return numpy_helper.to_array(value)
    types = {"value_float": np.float32, "value_floats": np.float32, "value_int": np.int64, "value_ints": np.int64}
    return np.array(value, types[attribute.name]) if attribute.name in types else None


def name_nodes(graph: "onnx.GraphProto") -> None:
    """Give every node a name of its own, in place; recipes name operators by it, and profiles find them."""
    taken: set[str] = set()
    for node in graph.node:
        base = node.name or f"{node.op_type}:{node.output[0]}"
        name, count = base, 1
        while name in taken:
            count += 1
            name = f"{base}:{count}"
        taken.add(name)
        node.name = name


def _check_weights(graph: "onnx.GraphProto") -> None:
    from onnx import TensorProto, numpy_helper

    used = {
        name: node.name
        for node in graph.node
        if node.op_type in WEIGHTED
        for name in node.input[WEIGHTED[node.op_type] :]
    }
    for tensor in graph.initializer:
        if tensor.name in used and tensor.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor)
            if not np.isfinite(values).all():
                raise InputError(
                    f"weight {tensor.name} of {used[tensor.name]} holds {np.sum(~np.isfinite(values)):,} values that "
                    "are NaN or infinite; mend the model's weights"
                )


def _fold_gemm_factors(graph: "onnx.GraphProto") -> None:
    """Multiply a Gemm's alpha and beta into its constants: ONNX Runtime's quantizer loses beta (seen in 1.32)."""
    from onnx import numpy_helper

    floats = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type != "Gemm":
            continue
        for attribute, at in (("alpha", 1), ("beta", 2)):
            found = next((one for one in node.attribute if one.name == attribute and one.f != 1.0), None)
            name = node.input[at] if found and at < len(node.input) else ""
            if found and name in floats:
                values = numpy_helper.to_array(floats[name]) * np.float32(found.f)
                node.input[at] = f"{name}_{attribute}_{node.name}"
                graph.initializer.append(numpy_helper.from_array(values, node.input[at]))
                node.attribute.remove(found)
