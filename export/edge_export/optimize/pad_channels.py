"""Depthwise convolutions with channels in whole vectors."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge_export.optimize.graph import add_constant, attribute, constant, label, operand, rewrite

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

VECTOR = 16
"""Channels that ONNX Runtime's int8 depthwise kernel takes at once; it takes the rest one by one."""

LARGEST_SHARE = 1 / 8
"""Of the channels, to add at most: more would cost the dense convolutions around what the depthwise one gains."""

CHANNELWISE = frozenset({"Add", "Clip", "Mul", "HardSwish", "HardSigmoid", "Relu", "Sigmoid", "GlobalAveragePool"})
"""Operators that keep every channel to itself, so that an added one disturbs none."""


def pad_depthwise(model: "onnx.ModelProto") -> tuple["onnx.ModelProto", int]:
    """Add channels of zero weight around depthwise convolutions until they fill whole vectors, for int8 only.

    ONNX Runtime's int8 depthwise kernel did 19 billion multiply-accumulates a second with 64 channels and 10 with 72.
    The added channels live between the dense convolution that makes them, out of zero weights, and the ones that read
    them with zero weights; squeeze-and-excite between them is one more reader and one more maker. Sums gain zeros only.
    """
    return rewrite(model, _pad)


@dataclass
class _Region:
    """What shares the channels of one depthwise convolution."""

    channels: int
    values: "dict[ir.Value, None]" = field(default_factory=dict)
    makers: "dict[ir.Node, None]" = field(default_factory=dict)
    readers: "dict[ir.Node, None]" = field(default_factory=dict)
    depthwise: "dict[ir.Node, None]" = field(default_factory=dict)


def _pad(graph: "ir.Graph", node: "ir.Node") -> bool:
    weights = constant(node.inputs[1]) if node.op_type == "Conv" else None
    if weights is None or not _is_depthwise(node):
        return False
    channels = len(weights)
    extra = -channels % VECTOR
    region = _Region(channels)
    if not 0 < extra <= channels * LARGEST_SHARE or not _grow(region, node.outputs[0]):
        return False
    for maker in (*region.makers, *region.depthwise):
        _extend(graph, maker, 1, 0, extra)
        if len(maker.inputs) > 2 and maker.inputs[2] is not None:
            _extend(graph, maker, 2, 0, extra)
    for reader in region.readers:
        _extend(graph, reader, 1, 1, extra)
    for member in region.depthwise:
        member.attributes["group"] = _integer("group", channels + extra)
    for value in region.values:
        _widen(value, channels + extra)
    return True


def _grow(region: _Region, start: "ir.Value") -> bool:
    """Collect all that shares the channels of `start`; False where something among it cannot be extended."""
    waiting = [start]
    while waiting:
        value = waiting.pop()
        if value in region.values:
            continue
        producer = value.producer()
        if producer is None or value.is_graph_output():
            return False
        region.values[value] = None
        steps = [_behind(region, producer), *(_ahead(region, use.node, value) for use in value.uses())]
        for step in steps:
            if step is None:
                return False
            waiting += step
    return True


def _behind(region: _Region, node: "ir.Node") -> "list[ir.Value] | None":
    """Return the values behind `node` that share the channels of its output; None where it cannot be extended."""
    if node.op_type == "Conv":
        return _convolution(region, node, region.makers)
    return _neighbors(node)


def _ahead(region: _Region, node: "ir.Node", value: "ir.Value") -> "list[ir.Value] | None":
    if node.op_type == "Conv":
        return _convolution(region, node, region.readers) if operand(node, 0) is value else None
    return _neighbors(node)


def _convolution(region: _Region, node: "ir.Node", ends: "dict[ir.Node, None]") -> "list[ir.Value] | None":
    weights, *others = (constant(value) for value in node.inputs[1:] if value is not None)
    if weights is None or any(value is None for value in others):
        return None
    depthwise = _is_depthwise(node)
    # A map of one channel, such as a spatial gate, is spread over all channels; it has none to add.
    if weights.shape[1 if ends is region.readers and not depthwise else 0] != region.channels:
        return None
    if depthwise:
        region.depthwise[node] = None
        return [operand(node, 0), node.outputs[0]]
    if attribute(node, "group", 1) != 1:
        return None
    ends[node] = None
    return []


def _neighbors(node: "ir.Node") -> "list[ir.Value] | None":
    if node.op_type not in CHANNELWISE:
        return None
    found = [node.outputs[0]]
    for value in node.inputs:
        fixed = constant(value)
        if value is None or (fixed is not None and fixed.size == 1):
            continue
        if fixed is not None:
            return None
        found.append(value)
    return found


def _is_depthwise(node: "ir.Node") -> bool:
    weights = constant(node.inputs[1])
    return weights is not None and weights.shape[1] == 1 and attribute(node, "group", 1) == len(weights) > 1


def _extend(graph: "ir.Graph", node: "ir.Node", index: int, axis: int, extra: int) -> None:
    """Add zeros at the end of `axis` of a constant input."""
    array = constant(node.inputs[index])
    assert array is not None
    wider = np.pad(array, [(0, extra if number == axis else 0) for number in range(array.ndim)])
    node.replace_input_with(index, add_constant(graph, f"{label(operand(node, index))}_padded", wider))


def _widen(value: "ir.Value", channels: int) -> None:
    import onnx_ir as ir

    if value.shape is not None:
        value.shape = ir.Shape([value.shape[0], channels, *list(value.shape)[2:]])


def _integer(name: str, value: int) -> "ir.Attr":
    import onnx_ir as ir

    return ir.AttrInt64(name, value)
