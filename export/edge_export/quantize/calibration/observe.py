"""See every activation of a graph, one sample at a time, in memory that does not grow with their number."""

import copy
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.quantize.calibration.interface import BINS, Histogram, Observation
from edge_runtime.errors import InputError
from edge_runtime.session import create_session

if TYPE_CHECKING:
    import onnx

AXES = {2: (0,), 4: (0, 2, 3)}
"""Rank of a tensor to the axes that its channel means run over."""

Inputs = Callable[[], Iterable[NDArray[np.float32]]]
"""Gives the preprocessed samples, without batch axis, each time from the start."""


def observe(model: "onnx.ModelProto", inputs: Inputs) -> Observation:
    """Fill a histogram of every float activation, and average its channels; the samples are walked twice, first for
    the ends.

    Args:
        model: float32 graph with inferred shapes and one input.
        inputs: The calibration samples.

    Raises:
        InputError: there is no sample, or a tensor is not finite.
    """
    names = activation_names(model)
    session = create_session(_with_outputs(model, names).SerializeToString())
    low, high = np.full(len(names), np.inf), np.full(len(names), -np.inf)
    samples = 0
    for values in _run(session, names, inputs()):
        samples += 1
        ends = np.array([(value.min(), value.max()) for value in values], dtype=np.float64)
        if not np.isfinite(ends).all():
            broken = names[int(np.flatnonzero(~np.isfinite(ends).all(axis=1))[0])]
            raise InputError(
                f"calibration sample {samples}: tensor {broken} is NaN or infinite; "
                "check this input and the model's weights"
            )
        low, high = np.minimum(low, ends[:, 0]), np.maximum(high, ends[:, 1])
    if not samples:
        raise InputError("no calibration sample: int8 needs inputs from the training split; give --data")
    counts = np.zeros((len(names), BINS), dtype=np.int64)
    sums: dict[str, NDArray[np.float64]] = {}
    for values in _run(session, names, inputs()):
        for row, (name, value) in enumerate(zip(names, values, strict=True)):
            counts[row] += _count(value, float(low[row]), float(high[row]))
            if value.ndim in AXES:
                sums[name] = sums.get(name, 0.0) + value.mean(axis=AXES[value.ndim], dtype=np.float64)
    ends_and_counts = zip(names, low, high, counts, strict=True)
    histograms = {name: Histogram(float(lo), float(hi), row) for name, lo, hi, row in ends_and_counts}
    means = {name: (total / samples).astype(np.float32) for name, total in sums.items()}
    return Observation(histograms, means, samples)


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


def _run(session: Any, names: list[str], inputs: Iterable[NDArray[np.float32]]) -> Iterator[list[NDArray[np.float32]]]:
    """Yield the value of each named tensor, sample by sample."""
    feed = session.get_inputs()[0].name
    computed = [name for name in names if name != feed]
    for tensor in inputs:
        found = dict(zip(computed, session.run(computed, {feed: tensor[np.newaxis]}), strict=True))
        found[feed] = tensor[np.newaxis]
        yield [found[name] for name in names]


def _count(value: NDArray[np.float32], low: float, high: float) -> NDArray[np.int64]:
    """Count values by bin; several times quicker than `np.histogram`, whose bins may be uneven."""
    if high <= low:
        counts = np.zeros(BINS, dtype=np.int64)
        counts[0] = value.size
        return counts
    bins = ((value.ravel() - np.float32(low)) * np.float32(BINS / (high - low))).astype(np.int32)
    return np.bincount(np.clip(bins, 0, BINS - 1, out=bins), minlength=BINS)


def _with_outputs(model: "onnx.ModelProto", names: list[str]) -> "onnx.ModelProto":
    from onnx import TensorProto, helper

    augmented = copy.deepcopy(model)
    present = {info.name for info in (*model.graph.input, *model.graph.output)}
    for name in names:
        if name not in present:
            augmented.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    return augmented
