"""Cross-layer equalization: give the channels between two convolutions ranges that one scale can serve."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.quantize.bodies import captured_names
from edge_export.quantize.transforms.check import check_same
from edge_export.quantize.transforms.graph import attributes, consumers, private_initializers

if TYPE_CHECKING:
    import onnx

HOMOGENEOUS = frozenset({"AveragePool", "GlobalAveragePool", "Identity", "LeakyRelu", "MaxPool", "Relu"})
"""Operators f on single channels with f(s x) = s f(x) for s > 0. A Clip with an upper bound is none, so that pairs
around a ReLU6 are left: its bound would have to differ by channel, for which there is no int8 kernel."""
SWEEPS = 20
STILL = 0.01
"""A sweep that moves no scale by more than this share ends the search."""
LARGEST = 1024.0
"""Of a scale: dead channels would ask for any."""


@dataclass(frozen=True)
class Pair:
    """Two convolutions with nothing between them but homogeneous operators."""

    first: "onnx.NodeProto"
    second: "onnx.NodeProto"


def equalize(model: "onnx.ModelProto", batch: Mapping[str, NDArray[Any]]) -> tuple["onnx.ModelProto", int]:
    """Return `model` with rescaled weights that compute the same, and how many pairs were rescaled.

    Output channel i of the first convolution is divided by s_i, input channel i of the second multiplied by it, with
    s_i = sqrt(r1_i / r2_i) of the two weights' ranges, swept until it holds for every pair at once, so that chains and
    the triples around depthwise convolutions settle together (Nagel et al. 2019, arXiv 1906.04721, section 4.1).

    Args:
        model: A prepared float32 graph; left as it was.
        batch: One input of each name, for the check.

    Raises:
        RefusedError: the outputs changed by more than float rounding.
    """
    from onnx import numpy_helper

    changed = copy.deepcopy(model)
    pairs = find_pairs(changed.graph)
    if not pairs:
        return changed, 0
    tensors = {tensor.name: tensor for tensor in changed.graph.initializer}
    names = {name for pair in pairs for name in (*pair.first.input[1:], *pair.second.input[1:]) if name}
    arrays = {name: numpy_helper.to_array(tensors[name]).astype(np.float64) for name in names}
    for _ in range(SWEEPS):
        if max(_balance(pair, arrays) for pair in pairs) < STILL:
            break
    for name, values in arrays.items():
        tensors[name].CopyFrom(numpy_helper.from_array(values.astype(np.float32), name))
    check_same("equalize", model, changed, batch)
    return changed, len(pairs)


def find_pairs(graph: "onnx.GraphProto") -> list[Pair]:
    """Find the pairs whose weights and biases nobody else reads, in graph order."""
    private = private_initializers(graph)
    hidden = {info.name for info in graph.output} | captured_names(graph)

    def free(node: "onnx.NodeProto") -> bool:
        return node.op_type == "Conv" and all(name in private for name in node.input[1:] if name)

    pairs = []
    for node in graph.node:
        after: onnx.NodeProto | None = node if free(node) else None
        while after is not None:
            readers = consumers(graph, after.output[0])
            alone = len(readers) == 1 and after.output[0] not in hidden and len(after.output) == 1
            after = readers[0] if alone else None
            if after is not None and free(after) and after.input[0] not in private:
                pairs.append(Pair(node, after))
            if after is None or after.op_type not in HOMOGENEOUS:
                break
    return pairs


def _balance(pair: Pair, arrays: dict[str, NDArray[np.float64]]) -> float:
    """Rescale one pair in place and return how far the scales are from one."""
    first, second = arrays[pair.first.input[1]], arrays[pair.second.input[1]]
    groups = int(attributes(pair.second).get("group", 1))
    by_input = second.reshape(groups, len(second) // groups, second.shape[1], -1)
    one = np.abs(first).reshape(len(first), -1).max(axis=1)
    other = np.abs(by_input).max(axis=(1, 3)).ravel()
    alive = (one > 0) & (other > 0)
    scale = np.sqrt(np.divide(one, other, out=np.ones_like(one), where=alive))
    scale = np.clip(scale, 1 / LARGEST, LARGEST)
    first /= scale.reshape((-1,) + (1,) * (first.ndim - 1))
    if len(pair.first.input) > 2 and pair.first.input[2]:
        arrays[pair.first.input[2]] /= scale
    by_input *= scale.reshape(groups, 1, -1, 1)
    return float(np.abs(scale - 1).max())
