"""Cut a graph into blocks of operators that the search frees or keeps together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_export.graphs.operators import Shapes, multiply_accumulates, tensor_shapes
from edge_export.graphs.segments import segments

if TYPE_CHECKING:
    import onnx

MOST_BLOCKS = 24
"""Each costs a measurement; finer steps come later, inside the blocks that matter."""


@dataclass(frozen=True)
class Block:
    """A run of operators between two places of the graph where a single tensor passes."""

    name: str
    """Of its first operator with multiply-accumulates."""
    operators: tuple[str, ...]
    """Names of all its nodes, in graph order."""
    macs: int
    """Multiply-accumulates of a batch of 1."""
    signature: tuple[object, ...]
    """Equal for blocks that do the same work on tensors of the same shapes."""


def cut_blocks(model: "onnx.ModelProto", most: int = MOST_BLOCKS) -> list[Block]:
    """Cut the graph where only one tensor is alive, and join the smallest neighbors until at most `most` are left."""
    costs = multiply_accumulates(model)
    parts = [list(segment.nodes) for segment in segments(model)]
    weights = [sum(costs.get(node.name) or 0 for node in part) for part in parts]
    compute = [any(node.name in costs for node in part) for part in parts]
    while len(parts) > 1 and (len(parts) > most or not all(compute)):
        at = _smallest(weights, compute)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
        weights[at : at + 2] = [weights[at] + weights[at + 1]]
        compute[at : at + 2] = [compute[at] or compute[at + 1]]
    shapes = tensor_shapes(model)
    return [
        Block(
            name=next((node.name for node in part if node.name in costs), part[0].name),
            operators=tuple(node.name for node in part),
            macs=weight,
            signature=tuple(_signature(node, shapes) for node in part),
        )
        for part, weight in zip(parts, weights, strict=True)
    ]


def _signature(node: "onnx.NodeProto", shapes: Shapes) -> tuple[object, ...]:
    return node.op_type, *(shapes.get(name, ()) for name in (*node.input, *node.output))


def _smallest(weights: Sequence[int], compute: Sequence[bool]) -> int:
    """Return the left one of the two neighbors to join: a part without compute first, else the lightest pair."""
    lonely = next((at for at, has in enumerate(compute) if not has), None)
    if lonely is not None:
        # What follows a convolution (an activation, an addition) belongs to it; before the first there is no other.
        return max(lonely - 1, 0)
    return min(range(len(weights) - 1), key=lambda at: weights[at] + weights[at + 1])
