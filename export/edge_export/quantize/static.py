"""Static QDQ quantization from given ranges, by ONNX Runtime's quantizer."""

import copy
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from edge_export.quantize.bodies import COMPUTE, captured_names
from edge_export.quantize.calibration import Ranges, activation_names
from edge_export.quantize.overrides import find_overrides
from edge_export.quantize.recipe import Recipe
from edge_export.quantize.runtime_quantizer import quiet
from edge_export.quantize.tensor_types import INFERRED

if TYPE_CHECKING:
    import onnx

SESSION = {"optimization.disable_specified_optimizers": "WeightBiasQuantization"}
"""ONNX Runtime (seen in 1.32) quantizes the weights of any convolution between a DequantizeLinear and a QuantizeLinear
by itself, with one scale for all channels. That turns operators that were left in float on purpose into bad int8 ones:
a single depthwise convolution took EfficientNet-Lite0 from 99 % agreement with fp32 to 30 %."""

REMOVABLE = frozenset({"Relu", "Clip"})
"""Activations that the quantizer drops, because the range of their output clips as they do."""
DEAD_RANGE = (0.0, 1.0)
"""Of a tensor that was always zero. ONNX Runtime would give it a step of 1, and the bias after it one as coarse."""


def quantize_static(
    model: "onnx.ModelProto", recipe: Recipe, ranges: Ranges, float_operators: Collection[str] = ()
) -> "onnx.ModelProto":
    """Return `model` with QuantizeLinear and DequantizeLinear around what the recipe quantizes.

    Run the result with the session options of `SESSION`.

    Args:
        model: A prepared float32 graph; left as it was.
        recipe: Types and granularity.
        ranges: Of the activations; an operator that reads or writes a float tensor without one stays in float.
        float_operators: Names of the nodes that stay in float.
    """
    from onnxruntime.quantization import CalibrationMethod, QuantType
    from onnxruntime.quantization.calibrate import TensorData, TensorsData
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

    types = {"uint8": QuantType.QUInt8, "int8": QuantType.QInt8}
    alive = {name: DEAD_RANGE if found == (0.0, 0.0) else found for name, found in ranges.items()}
    bounds = {
        name: TensorData(lowest=np.array(low, np.float32), highest=np.array(high, np.float32))
        for name, (low, high) in alive.items()
    }
    with quiet():
        quantizer = QDQQuantizer(
            _marked(model),
            per_channel=recipe.per_channel,
            reduce_range=recipe.reduce_range,
            weight_qType=types[recipe.weights],
            activation_qType=types[recipe.activations],
            tensors_range=TensorsData(CalibrationMethod.MinMax, dict(bounds)),
            nodes_to_quantize=[],
            nodes_to_exclude=sorted({*float_operators, *_unquantizable(model, ranges)}),
            op_types_to_quantize=sorted({*QLinearOpsRegistry, *QDQRegistry}),
            extra_options={"TensorQuantOverrides": find_overrides(model, recipe, alive)},
        )
        quantizer.quantize_model()
    return _unmarked(cast("onnx.ModelProto", quantizer.model.model))


def unranged_operators(model: "onnx.ModelProto", ranges: Ranges) -> list[str]:
    """Name the compute operators that touch a float tensor which calibration could give no range."""
    missing = set(activation_names(model)) - ranges.keys()
    return [
        node.name
        for node in model.graph.node
        if node.op_type in COMPUTE and missing.intersection((*node.input, *node.output))
    ]


def _unquantizable(model: "onnx.ModelProto", ranges: Ranges) -> list[str]:
    missing = set(activation_names(model)) - ranges.keys()
    captured = captured_names(model.graph)
    names = []
    for node in model.graph.node:
        touched = {*node.input, *node.output}
        # Without an output that varies there is no range that clips as the activation does.
        flat = node.op_type in REMOVABLE and any(_is_flat(ranges, name) for name in node.output)
        # A body goes on reading the tensor by its name.
        read_inside = node.op_type in REMOVABLE and captured & touched
        if touched & missing or flat or read_inside:
            names.append(node.name)
    return names


def _is_flat(ranges: Ranges, name: str) -> bool:
    low, high = ranges.get(name, (0.0, 1.0))
    return low == high


def _marked(model: "onnx.ModelProto") -> "onnx.ModelProto":
    marked = copy.deepcopy(model)
    entry = marked.metadata_props.add()
    entry.key, entry.value = INFERRED
    return marked


def _unmarked(model: "onnx.ModelProto") -> "onnx.ModelProto":
    kept = [entry for entry in model.metadata_props if (entry.key, entry.value) != INFERRED]
    del model.metadata_props[:]
    model.metadata_props.extend(kept)
    return model


def named_things(model: "onnx.ModelProto") -> Sequence[str]:
    """Name every node and every float tensor: what `int16_tensors` may hold."""
    return [*(node.name for node in model.graph.node), *activation_names(model)]
