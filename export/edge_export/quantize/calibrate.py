"""Activation ranges from streamed samples, in memory that does not grow with their number."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import InputError
from edge_runtime.session import create_session

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Ranges:
    """The interval of values that each activation took."""

    bounds: dict[str, tuple[float, float]]
    """Tensor name to its smallest and largest value."""
    samples: int
    """Inputs that were seen."""


def calibrate_minmax(model: "onnx.ModelProto", inputs: Iterable[NDArray[np.float32]]) -> Ranges:
    """Record the smallest and largest value of every float activation.

    The reductions are part of the graph, so two numbers leave it for each tensor and sample, and memory stays that of
    plain inference.

    Args:
        model: float32 graph with inferred shapes and one input.
        inputs: Preprocessed inputs without batch axis, one at a time.

    Raises:
        InputError: there is no sample, or a tensor is not finite.
    """
    names = activation_names(model)
    session = create_session(_with_reductions(model, names).SerializeToString())
    feed = session.get_inputs()[0].name
    outputs = [_low(name) for name in names] + [_high(name) for name in names]
    low, high = np.full(len(names), np.inf, np.float32), np.full(len(names), -np.inf, np.float32)
    samples = 0
    for tensor in inputs:
        values = np.array(session.run(outputs, {feed: tensor[np.newaxis]}), dtype=np.float32)
        if not np.isfinite(values).all():
            broken = names[int(np.flatnonzero(~np.isfinite(values))[0]) % len(names)]
            raise InputError(
                f"calibration sample {samples + 1}: tensor {broken} is NaN or infinite; "
                "check this input and the model's weights"
            )
        low, high = np.minimum(low, values[: len(names)]), np.maximum(high, values[len(names) :])
        samples += 1
    if not samples:
        raise InputError("no calibration sample: int8 needs inputs from the training split; give --data")
    bounds = {name: (float(low[index]), float(high[index])) for index, name in enumerate(names)}
    return Ranges(bounds, samples)


def activation_names(model: "onnx.ModelProto") -> list[str]:
    """Name every float32 tensor that a node reads or writes and that is no weight, in graph order."""
    import onnx

    weights = {tensor.name for tensor in model.graph.initializer}
    known = {
        info.name
        for info in (*model.graph.input, *model.graph.value_info, *model.graph.output)
        if info.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    }
    seen = dict.fromkeys(name for node in model.graph.node for name in (*node.input, *node.output))
    return [name for name in seen if name in known and name not in weights]


def _low(name: str) -> str:
    return f"{name}__edge_low"


def _high(name: str) -> str:
    return f"{name}__edge_high"


def _with_reductions(model: "onnx.ModelProto", names: list[str]) -> "onnx.ModelProto":
    from onnx import TensorProto, helper

    augmented = copy.deepcopy(model)
    for name in names:
        for operator, output in (("ReduceMin", _low(name)), ("ReduceMax", _high(name))):
            augmented.graph.node.append(helper.make_node(operator, [name], [output], keepdims=0))
            augmented.graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, []))
    return augmented
