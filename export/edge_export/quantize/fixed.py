"""Products of codes with fixed ranges: dynamic quantization's graph, but no range is looked for at run time."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from edge_export.quantize.calibration import Ranges
from edge_export.quantize.dynamic import batched_products, drop_unused, quantize_dynamic
from edge_export.quantize.feed_forward import MICROSOFT, codes, keep_codes
from edge_export.quantize.recipe import Recipe
from edge_export.quantize.tensor_types import find_ranks

if TYPE_CHECKING:
    import onnx


def quantize_fixed(
    model: "onnx.ModelProto", recipe: Recipe, ranges: Ranges, float_operators: Collection[str] = ()
) -> "onnx.ModelProto":
    """Return `model` with int8 weights in matrix products and embeddings, and one range for each product's input.

    A QuantizeLinear with constants stands where dynamic quantization looks for a range, so that no answer depends on
    what else is in a batch. Products give floats, unlike in a QDQ graph, where each is rounded to codes again.

    Args:
        model: A prepared float32 graph; left as it was.
        recipe: Type and granularity of the weights.
        ranges: Of the activations; a product whose input has none stays in float.
        float_operators: Names of the nodes that stay in float.
    """
    made = quantize_dynamic(model, recipe, {*float_operators, *unranged_products(model, ranges)})
    _fix_ranges(made.graph, ranges)
    _fuse_products(made)
    if recipe.feed_forward == "codes":
        bent = [node.input[0] for node in model.graph.node if node.op_type == "Gelu"]
        keep_codes(made, find_ranks(model, bent), ranges)
        drop_unused(made.graph)
    return made


def unranged_products(model: "onnx.ModelProto", ranges: Ranges) -> list[str]:
    """Name the products of an activation that calibration could give no range and constant weights."""
    weights = {tensor.name for tensor in model.graph.initializer}
    in_float = set(batched_products(model))
    return [
        node.name
        for node in model.graph.node
        if node.op_type in ("Gemm", "MatMul")
        and node.name not in in_float
        and node.input[1] in weights
        and node.input[0] not in ranges
    ]


def _fix_ranges(graph: "onnx.GraphProto", ranges: Ranges) -> None:
    from onnx import numpy_helper

    for node in graph.node:
        if node.op_type == "DynamicQuantizeLinear":
            quantized, step, zero = node.output
            scale, offset = codes(ranges[node.input[0]])
            graph.initializer.append(numpy_helper.from_array(np.array(scale), step))
            graph.initializer.append(numpy_helper.from_array(np.array(offset), zero))
            node.op_type = "QuantizeLinear"
            node.input.extend([step, zero])
            del node.output[:]
            node.output.append(quantized)


def _fuse_products(model: "onnx.ModelProto") -> None:
    """Write each product as the operator that ONNX Runtime fuses it into.

    It looks for a step that is found at run time; two constant ones it multiplies first, and then finds nothing to
    fuse (seen in 1.32).
    """
    from onnx import helper

    graph = model.graph
    writers = {name: node for node in graph.node for name in node.output}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    constants = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    replaced: dict[str, onnx.NodeProto] = {}
    dropped: set[str] = set()
    for node in graph.node:
        if node.op_type != "MatMulInteger":
            continue
        cast = readers[node.output[0]][0]
        scaled = readers[cast.output[0]][0]
        steps = writers[next(name for name in scaled.input if name != cast.output[0])]
        step = next(name for name in writers[node.input[0]].input[1:] if name in steps.input)
        weight_step = next(name for name in steps.input if name != step)
        inputs = [*node.input[:2], step, weight_step, *node.input[2:4]]
        last, bias = _bias(scaled, readers, constants)
        product = helper.make_node(
            "MatMulIntegerToFloat", [*inputs, *bias], [last.output[0]], name=node.name, domain=MICROSOFT
        )
        replaced[last.output[0]] = product
        dropped.update(one.output[0] for one in (node, cast, scaled, last))
        if len(readers[steps.output[0]]) == 1:
            dropped.add(steps.output[0])
    kept = [
        replaced.get(node.output[0], node)
        for node in graph.node
        if node.output[0] in replaced or node.output[0] not in dropped
    ]
    del graph.node[:]
    graph.node.extend(kept)
    if replaced and not any(one.domain == MICROSOFT for one in model.opset_import):
        model.opset_import.append(helper.make_opsetid(MICROSOFT, 1))


def _bias(
    scaled: "onnx.NodeProto", readers: "dict[str, list[onnx.NodeProto]]", constants: dict[str, tuple[int, ...]]
) -> tuple["onnx.NodeProto", list[str]]:
    """Return the last node of a product, and the name of its bias where a constant row is added."""
    following = readers.get(scaled.output[0], [])
    if len(following) == 1 and following[0].op_type == "Add":
        other = next((name for name in following[0].input if name != scaled.output[0]), "")
        if len(constants.get(other, ())) == 1:
            return following[0], [other]
    return scaled, []
