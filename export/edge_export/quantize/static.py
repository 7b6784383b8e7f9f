"""Static QDQ quantization from given ranges, by ONNX Runtime's quantizer."""

import copy
from typing import TYPE_CHECKING, cast

import numpy as np

from edge_export.quantize.calibrate import Ranges
from edge_export.quantize.recipes import Recipe

if TYPE_CHECKING:
    import onnx


def quantize_static(model: "onnx.ModelProto", recipe: Recipe, ranges: Ranges) -> "onnx.ModelProto":
    """Return `model` with QuantizeLinear and DequantizeLinear around what the recipe quantizes.

    Args:
        model: float32 graph with inferred shapes; left as it was.
        recipe: Types, granularity and what stays float.
        ranges: Of every activation of `model`.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization.calibrate import TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

    types = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}
    bounds = {name: (np.float32(low), np.float32(high)) for name, (low, high) in ranges.bounds.items()}
    quantizer = QDQQuantizer(
        copy.deepcopy(model),
        per_channel=recipe.per_channel,
        reduce_range=False,
        weight_qType=types[recipe.weights],
        activation_qType=types[recipe.activations],
        tensors_range=TensorsData(
            CalibrationMethod.MinMax, {name: tuple(map(np.asarray, pair)) for name, pair in bounds.items()}
        ),
        nodes_to_quantize=[],
        nodes_to_exclude=list(recipe.float_operators),
        op_types_to_quantize=sorted({*QLinearOpsRegistry, *QDQRegistry}),
        extra_options={},
    )
    quantizer.quantize_model()
    return cast("onnx.ModelProto", quantizer.model.model)
