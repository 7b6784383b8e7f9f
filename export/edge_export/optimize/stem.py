"""Strided stems on few channels as SpaceToDepth and an unstrided convolution."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.optimize.graph import add_constant, constant, rewrite

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

BLOCK = 2
"""The stride, and the side of the blocks that become channels."""

FEW_CHANNELS = 4
"""At most: an int8 kernel multiplies channels in groups of 4, and 3 leave most of a register empty."""


def unstride_stem(model: "onnx.ModelProto") -> tuple["onnx.ModelProto", int]:
    """Rewrite a stride-2 convolution of the graph's own input as SpaceToDepth(2) and a stride-1 one.

    With p the padding before an axis, output o reads inputs 2 o - p + k for k in 0 .. K - 1. Writing an input row as
    2 b + r, block b and row r inside it, kernel position k falls into block o + floor((k - p) / 2), row (k - p) mod 2.
    So the kernel over blocks starts at floor(-p / 2), ends at floor((K - 1 - p) / 2), and holds zeros where a block
    reaches past the old kernel: 7x7 with padding 3 becomes 4x4, 3x3 with padding 1 becomes 2x2. The sum is the same.

    SpaceToDepth stays in float: ONNX Runtime 1.22 to 1.26 have no kernel of it for bytes, and transposing bytes takes
    nine times as long.

    ResNet-18 int8: 4.84 -> 4.54 ms; ResNet-50 10.59 -> 10.24 ms.

    Inputs of odd sides stay, for their last block would be incomplete.
    """
    return rewrite(model, _unstride)


def _unstride(graph: "ir.Graph", node: "ir.Node") -> bool:
    import onnx_ir as ir

    weights = constant(node.inputs[1]) if node.op_type == "Conv" else None
    source = node.inputs[0] if node.inputs else None
    if weights is None or source is None or not _fits(node, source, weights):
        return False
    rank = weights.ndim - 2
    pads = _pads(node, rank)
    sides = [int(side) for side in source.shape[2:]]  # type: ignore[index, arg-type]
    before, after, kernel = [], [], weights
    for axis in range(rank):
        kernel, first, blocks = _over_blocks(kernel, 2 + axis, pads[axis])
        outputs = (sides[axis] + pads[axis] + pads[axis + rank] - weights.shape[2 + axis]) // BLOCK + 1
        before.append(-first)
        after.append(outputs - 1 + first + blocks - sides[axis] // BLOCK)
    # (out, in, blocks, row, blocks, column) -> SpaceToDepth's channels: row, column, in.
    kernel = kernel.transpose(0, 3, 5, 1, 2, 4)
    kernel = kernel.reshape(kernel.shape[0], -1, *kernel.shape[4:])
    spread = ir.Node("", "SpaceToDepth", [source], [ir.AttrInt64("blocksize", BLOCK)], name=f"{source.name}_blocks")
    channels = int(source.shape[1]) * BLOCK**rank  # type: ignore[index, arg-type]
    shape = [source.shape[0], channels, *(side // BLOCK for side in sides)]  # type: ignore[index]
    spread.outputs[0].name = spread.name
    spread.outputs[0].shape, spread.outputs[0].type = ir.Shape(shape), source.type
    graph.insert_before(node, spread)
    node.replace_input_with(0, spread.outputs[0])
    node.replace_input_with(1, add_constant(graph, f"{node.outputs[0].name}_unstrided", np.ascontiguousarray(kernel)))
    for name, values in (
        ("strides", [1] * rank),
        ("kernel_shape", list(kernel.shape[2:])),
        ("pads", [*before, *after]),
    ):
        node.attributes[name] = ir.AttrInt64s(name, values)
    node.attributes.pop("auto_pad", None)
    return True


def _fits(node: "ir.Node", source: "ir.Value", weights: NDArray[np.float32]) -> bool:
    def numbers(name: str, default: list[int]) -> list[int]:
        found = node.attributes.get(name)
        return default if found is None else [int(number) for number in found.value]

    shape = source.shape
    auto = node.attributes.get("auto_pad")
    return (
        weights.ndim == 4
        and shape is not None
        and isinstance(shape[1], int)
        and shape[1] == weights.shape[1] <= FEW_CHANNELS
        and all(isinstance(side, int) and side % BLOCK == 0 for side in shape[2:])
        and numbers("strides", [1, 1]) == [BLOCK, BLOCK]
        and numbers("dilations", [1, 1]) == [1, 1]
        and (auto is None or auto.value == "NOTSET")
        and min(weights.shape[2:]) > 1
    )


def _pads(node: "ir.Node", rank: int) -> list[int]:
    found = node.attributes.get("pads")
    return [0] * (2 * rank) if found is None else [int(pad) for pad in found.value]


def _over_blocks(kernel: NDArray[np.float32], axis: int, pad: int) -> tuple[NDArray[np.float32], int, int]:
    """Return the kernel with `axis` split into blocks and rows, its first block and its number of blocks."""
    size = kernel.shape[axis] if axis == 2 else kernel.shape[axis + 1]
    axis = axis if axis == 2 else axis + 1  # the first axis was split into two before
    first, last = -pad // BLOCK, (size - 1 - pad) // BLOCK
    lead = -pad - BLOCK * first
    trail = BLOCK * (last - first + 1) - lead - size
    padded = np.pad(kernel, [(lead, trail) if number == axis else (0, 0) for number in range(kernel.ndim)])
    shape = (*padded.shape[:axis], last - first + 1, BLOCK, *padded.shape[axis + 1 :])
    return padded.reshape(shape), first, last - first + 1
