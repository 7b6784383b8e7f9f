"""The graphs inside a graph: bodies of `If`, `Loop` and `Scan`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


def subgraphs(node: "onnx.NodeProto") -> Iterator["onnx.GraphProto"]:
    """Give the bodies that a node holds."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def all_nodes(graph: "onnx.GraphProto") -> Iterator["onnx.NodeProto"]:
    """Walk over the nodes of a graph and of the graphs inside them."""
    for node in graph.node:
        yield node
        for body in subgraphs(node):
            yield from all_nodes(body)
