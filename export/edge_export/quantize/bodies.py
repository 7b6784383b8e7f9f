"""The bodies of `If`, `Loop` and `Scan`: they stay in float, and read tensors of the graph around them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from edge_export.graphs.bodies import subgraphs

if TYPE_CHECKING:
    import onnx

COMPUTE = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
"""Operators with multiply-accumulates, which is where the time goes."""


def captured_names(graph: "onnx.GraphProto") -> set[str]:
    """Name the outer tensors that bodies may read: renaming or removing one would break them."""
    found: set[str] = set()
    for node in graph.node:
        for body in subgraphs(node):
            found |= {name for inner in body.node for name in inner.input} | {info.name for info in body.output}
            found |= captured_names(body)
    return found


def body_notes(graph: "onnx.GraphProto") -> Iterator[str]:
    """Say of each node with bodies that what is inside stays in float."""
    for node in graph.node:
        if any(True for _ in subgraphs(node)):
            inside = sum(inner.op_type in COMPUTE for body in subgraphs(node) for inner in body.node)
            if inside:
                yield f"{node.op_type} {node.name}: the {inside} compute operators in its body stay in float"
            else:
                yield f"{node.op_type} {node.name}: its body stays in float"
