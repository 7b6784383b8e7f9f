"""Dynamic quantization: int8 weights, and activations whose range is found at run time; for transformers."""

import copy
from collections.abc import Collection
from typing import TYPE_CHECKING, cast

from edge_export.quantize.bodies import captured_names
from edge_export.quantize.recipe import Recipe
from edge_export.quantize.runtime_quantizer import quiet

if TYPE_CHECKING:
    import onnx

TYPES = ("Gather", "Gemm", "MatMul")
"""What is quantized. ONNX Runtime's default types make an invalid model out of an opset-23 graph with `Attention`, and
dynamic convolutions are slower than float ones (ResNet-18: 14.7 against 15.4 ms, MobileNetV2: 9.4 against 4.0)."""


def quantize_dynamic(
    model: "onnx.ModelProto", recipe: Recipe, float_operators: Collection[str] = ()
) -> "onnx.ModelProto":
    """Return `model` with int8 weights in its matrix products and embeddings.

    Args:
        model: A prepared float32 graph; left as it was.
        recipe: Type and granularity of the weights.
        float_operators: Names of the nodes that stay in float.
    """
    import onnx
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.onnx_quantizer import ONNXQuantizer
    from onnxruntime.quantization.quant_utils import QuantizationMode

    in_float = {*float_operators, *batched_products(model)}
    types = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}
    with quiet():
        quantizer = ONNXQuantizer(
            copy.deepcopy(model),
            recipe.per_channel,
            recipe.reduce_range,
            QuantizationMode.IntegerOps,
            False,
            types[recipe.weights],
            QuantType.QUInt8,
            None,
            [],
            # A Gemm becomes a MatMul and an Add before it is asked about.
            sorted(in_float | {f"{name}_MatMul" for name in in_float}),
            list(TYPES),
            # Fused operators hide types from the quantizer's inference; without a default it gives up.
            {"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
        )
        quantizer.quantize_model()
    made = cast("onnx.ModelProto", quantizer.model.model)
    drop_unused(made.graph)
    return made


def batched_products(model: "onnx.ModelProto") -> list[str]:
    """Name the products with weights of more than two dimensions, whose int8 kernel takes no scale by channel."""
    ranks = {tensor.name: len(tensor.dims) for tensor in model.graph.initializer}
    return [node.name for node in model.graph.node if node.op_type == "MatMul" and ranks.get(node.input[1], 2) != 2]


def drop_unused(graph: "onnx.GraphProto") -> None:
    """Remove the constants that nobody reads any more: Gemms leave their weights beside the turned ones."""
    used = {name for node in graph.node for name in node.input} | captured_names(graph)
    used |= {info.name for info in graph.output}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
