"""Where a graph can be cut: between its parts a single tensor passes."""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Segment:
    """Nodes between two cuts."""

    nodes: tuple["onnx.NodeProto", ...]
    gives: str
    """The one tensor that is read behind it; empty where several are, which only the last segment may do."""


def segments(model: "onnx.ModelProto") -> list[Segment]:
    """Split the nodes, which stand in topological order, wherever a single tensor is still to be read."""
    weights = {tensor.name for tensor in model.graph.initializer}
    reads = Counter(name for node in model.graph.node for name in node.input if name and name not in weights)
    reads.update(info.name for info in model.graph.output)
    alive: set[str] = {info.name for info in model.graph.input} - weights
    found: list[Segment] = []
    nodes: list[onnx.NodeProto] = []
    for node in model.graph.node:
        nodes.append(node)
        for name in node.input:
            if name in alive:
                reads[name] -= 1
                alive -= {name} if reads[name] <= 0 else set()
        alive |= {name for name in node.output if reads[name] > 0}
        if len(alive) == 1:
            found.append(Segment(tuple(nodes), next(iter(alive))))
            nodes = []
    return [*found, Segment(tuple(nodes), "")] if nodes else found
