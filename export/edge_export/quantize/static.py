"""Static QDQ quantization from given ranges, by ONNX Runtime's quantizer."""

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from edge_export.quantize.calibration import Ranges
from edge_export.quantize.recipe import Recipe

if TYPE_CHECKING:
    import onnx

COMPUTE = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
"""Operators with weights, which is where the time goes."""

SESSION = {"optimization.disable_specified_optimizers": "WeightBiasQuantization"}
"""ONNX Runtime (seen in 1.32) quantizes the weights of any convolution between a DequantizeLinear and a QuantizeLinear
by itself, with one scale for all channels. That turns operators that were left in float on purpose into bad int8 ones:
a single depthwise convolution took EfficientNet-Lite0 from 99 % agreement with fp32 to 30 %."""


def quantize_static(
    model: "onnx.ModelProto", recipe: Recipe, ranges: Ranges, float_operators: Sequence[str] = ()
) -> "onnx.ModelProto":
    """Return `model` with QuantizeLinear and DequantizeLinear around what the recipe quantizes.

    Run the result with the session options of `SESSION`.

    Args:
        model: float32 graph with inferred shapes; left as it was.
        recipe: Types and granularity.
        ranges: Of every activation of `model`.
        float_operators: Names of the nodes that stay in float.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization.calibrate import TensorData, TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

    types = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}
    bounds = {
        name: TensorData(lowest=np.array(low, np.float32), highest=np.array(high, np.float32))
        for name, (low, high) in ranges.items()
    }
    quantizer = QDQQuantizer(
        copy.deepcopy(model),
        per_channel=recipe.per_channel,
        reduce_range=False,
        weight_qType=types[recipe.weights],
        activation_qType=types[recipe.activations],
        tensors_range=TensorsData(CalibrationMethod.MinMax, dict(bounds)),
        nodes_to_quantize=[],
        nodes_to_exclude=list(float_operators),
        op_types_to_quantize=sorted({*QLinearOpsRegistry, *QDQRegistry}),
        extra_options={},
    )
    quantizer.quantize_model()
    return cast("onnx.ModelProto", quantizer.model.model)


def leading_operators(model: "onnx.ModelProto", count: int) -> list[str]:
    """Name the first `count` operators with weights, and everything before and between them."""
    names: list[str] = []
    found = 0
    for node in model.graph.node:
        found += node.op_type in COMPUTE
        if found > count or not count:
            break
        names.append(node.name)
    return names
