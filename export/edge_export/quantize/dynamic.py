"""Dynamic quantization: int8 weights, and activations whose range is found at run time; for transformers."""

import copy
from collections.abc import Collection
from typing import TYPE_CHECKING, cast

from edge_export.quantize.recipe import Recipe

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

    types = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}
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
        sorted(float_operators),
        list(TYPES),
        # Fused operators hide types from the quantizer's inference; without a default it gives up.
        {"MatMulConstBOnly": True, "DefaultTensorType": onnx.TensorProto.FLOAT},
    )
    quantizer.quantize_model()
    return cast("onnx.ModelProto", quantizer.model.model)
