"""Take the mean error that calibration samples show out of the biases, layer after layer."""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.graphs.segments import segments
from edge_export.quantize.bodies import captured_names
from edge_runtime.session import create_session

if TYPE_CHECKING:
    import onnx

Batch = Mapping[str, NDArray[Any]]
Means = NDArray[np.float64]

SAMPLES = 64
"""At most: of 128, EfficientNet-Lite0 gained little more, and they would take twice the memory."""

LARGEST_CODE = 2**31 - 1


@dataclass(frozen=True)
class _Layer:
    """A convolution or Gemm whose bias is an int32 constant of its own."""

    codes: str
    """Initializer of the quantized graph that holds the bias."""
    scale: str
    output: str
    """Tensor of both graphs: what the layer gives, with the activation that the quantizer made part of it."""
    seen: str
    """Tensor of the quantized graph: the same as its readers see it."""


def measure_biases(
    model: "onnx.ModelProto",
    quantized: "onnx.ModelProto",
    options: Mapping[str, str],
    batches: Callable[[], Iterable[Batch]],
) -> bool:
    """Move each bias of `quantized` by how far the mean of its layer's output is off, in place; say whether it helped.

    Rounded activations shift the mean of what follows as rounded weights do, and no formula knows by how much. So the
    layers are walked from the first to the last, each seeing what the corrected ones before it give (Nagel et al. 2019,
    appendix D, "empirical bias correction"). Where the outputs err no less than before, nothing is changed.

    Args:
        model: float32 graph.
        quantized: What the quantizer made of it.
        options: Session options that it runs with.
        batches: Gives the calibration samples, with a batch axis; the first `SAMPLES` are taken.
    """
    layers = _layers(model, quantized)
    outputs = [info.name for info in model.graph.output]
    if not layers or captured_names(model.graph):
        return False
    given = [dict(batch) for batch in islice(batches(), SAMPLES)]
    expected = _run(model, given, [*outputs, *(layer.output for layer in layers.values())], {}, _mean)
    answers = _run(model, given, outputs, {}, _whole)
    corrected = copy.deepcopy(quantized)
    _walk(model, corrected, layers, given, expected=expected, options=options)
    before, after = (_error(answers, _run(one, given, outputs, options, _whole)) for one in (quantized, corrected))
    if not after < before:
        return False
    quantized.CopyFrom(corrected)
    return True


def _walk(
    model: "onnx.ModelProto",
    quantized: "onnx.ModelProto",
    layers: Mapping[str, _Layer],
    given: list[dict[str, NDArray[Any]]],
    *,
    expected: Mapping[str, Sequence[Means]],
    options: Mapping[str, str],
) -> None:
    """Correct the layers in order; between two segments only the tensor that passes is kept, in codes where it can."""
    made = {name for node in quantized.graph.node for name in node.output}
    waiting: list[_Layer] = []
    for segment in segments(model):
        waiting += [layers[node.name] for node in segment.nodes if node.name in layers]
        passes = _as_it_passes(quantized, segment.gives)
        if passes not in made and segment.gives:
            continue  # an activation that the quantizer removed: its tensor is not there
        for layer in waiting:
            found = _run(quantized, given, [layer.seen], options, _mean)[layer.seen]
            _move(quantized, layer, np.mean(expected[layer.output], axis=0) - np.mean(found, axis=0))
        waiting = []
        if segment.gives:
            values = _run(quantized, given, [passes], options, _whole)[passes]
            given = [{passes: value} for value in values]


def _layers(model: "onnx.ModelProto", quantized: "onnx.ModelProto") -> dict[str, _Layer]:
    """Find the layers that can be corrected, by the name of their operator."""
    writers = {name: node for node in quantized.graph.node for name in node.output}
    nodes = {node.name: node for node in quantized.graph.node}
    tensors = {tensor.name for tensor in quantized.graph.initializer}
    known = {name for node in model.graph.node for name in node.output}
    uses: dict[str, int] = {}
    for node in quantized.graph.node:
        for name in node.input:
            uses[name] = uses.get(name, 0) + 1
    found = {}
    for node in model.graph.node:
        made = nodes.get(node.name)
        if node.op_type not in ("Conv", "Gemm") or made is None or len(made.input) < 3:
            continue
        # What the graph gives out keeps its name, so that the quantizer renames what comes before.
        bias, output = writers.get(made.input[2]), made.output[0].removesuffix("_QuantizeLinear_Input")
        private = bias is not None and uses[made.input[2]] == uses[bias.input[0]] == 1 and bias.input[0] in tensors
        if bias is None or not private or bias.op_type != "DequantizeLinear" or output not in known:
            continue
        rounded = f"{output}_DequantizeLinear_Output"
        seen = rounded if rounded in writers else output
        found[node.name] = _Layer(bias.input[0], bias.input[1], output, seen)
    return found


def _as_it_passes(quantized: "onnx.ModelProto", name: str) -> str:
    """Name the tensor of the quantized graph that stands for one of the float graph where nothing else passes."""
    codes = f"{name}_QuantizeLinear_Output"
    readers = [node for node in quantized.graph.node if name in node.input]
    alone = len(readers) == 1 and readers[0].output[0] == codes
    return codes if alone and name not in {info.name for info in quantized.graph.output} else name


def _move(quantized: "onnx.ModelProto", layer: _Layer, shift: Means) -> None:
    from onnx import numpy_helper

    tensors = {tensor.name: tensor for tensor in quantized.graph.initializer}
    codes, scale = (numpy_helper.to_array(tensors[name]) for name in (layer.codes, layer.scale))
    moved = codes.astype(np.float64) + np.rint(shift / scale.astype(np.float64))
    if np.isfinite(moved).all() and np.abs(moved).max(initial=0) <= LARGEST_CODE:
        tensors[layer.codes].CopyFrom(numpy_helper.from_array(moved.astype(np.int32), layer.codes))


def _run(
    model: "onnx.ModelProto",
    given: Sequence[Batch],
    wanted: Sequence[str],
    options: Mapping[str, str],
    keep: Callable[[NDArray[Any]], NDArray[Any]],
) -> dict[str, list[NDArray[Any]]]:
    """Return what is kept of each wanted tensor, sample by sample, starting from the tensors that are given.

    On one thread, so that sums do not depend on how many there are.
    """
    part = _between(model, given[0], wanted)
    session = create_session(part.SerializeToString(), threads=1, options=options)
    kept: dict[str, list[NDArray[Any]]] = {name: [] for name in wanted}
    for batch in given:
        values = session.run(list(kept), {name: batch[name] for name in (info.name for info in part.graph.input)})
        for name, value in zip(kept, values, strict=True):
            kept[name].append(keep(value))
    return kept


def _between(model: "onnx.ModelProto", given: Batch, wanted: Iterable[str]) -> "onnx.ModelProto":
    """Return the part of a graph that leads from the given tensors to the wanted ones."""
    import onnx

    writers = {name: node for node in model.graph.node for name in node.output}
    needed, nodes, open_names = set[str](), set[str](), list(wanted)
    while open_names:
        name = open_names.pop()
        if name in needed:
            continue
        needed.add(name)
        if name not in given and name in writers:
            nodes.add(writers[name].output[0])
            open_names += [one for one in writers[name].input if one]
    part = onnx.ModelProto()
    part.CopyFrom(model)
    for field, kept in (
        ("node", [node for node in model.graph.node if node.output[0] in nodes]),
        ("initializer", [tensor for tensor in model.graph.initializer if tensor.name in needed]),
        ("input", [_info(name, value) for name, value in given.items() if name in needed]),
        ("output", [onnx.ValueInfoProto(name=name) for name in dict.fromkeys(wanted)]),
    ):
        del getattr(part.graph, field)[:]
        getattr(part.graph, field).extend(kept)
    return part


def _info(name: str, value: NDArray[Any]) -> "onnx.ValueInfoProto":
    from onnx import helper

    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)


def _mean(value: NDArray[Any]) -> NDArray[Any]:
    """Return the mean of each channel, which is the second axis."""
    return np.asarray(value.mean(axis=tuple(axis for axis in range(value.ndim) if axis != 1), dtype=np.float64))


def _whole(value: NDArray[Any]) -> NDArray[Any]:
    return value


def _error(expected: Mapping[str, Sequence[Any]], found: Mapping[str, Sequence[Any]]) -> float:
    """Return the mean square difference of all outputs."""
    gaps = [np.concatenate(expected[name], axis=None) - np.concatenate(found[name], axis=None) for name in expected]
    return float(np.mean(np.concatenate(gaps).astype(np.float64) ** 2))
