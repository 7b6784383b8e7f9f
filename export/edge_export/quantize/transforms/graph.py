"""What the transforms ask of a graph."""

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx


def attributes(node: "onnx.NodeProto") -> dict[str, Any]:
    """Return the attributes that are written; defaults are not."""
    from onnx import helper

    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def consumers(graph: "onnx.GraphProto", name: str) -> list["onnx.NodeProto"]:
    """Return the nodes that read a tensor."""
    return [node for node in graph.node if name in node.input]


def private_initializers(graph: "onnx.GraphProto") -> dict[str, "onnx.TensorProto"]:
    """Return the float constants that exactly one input of one node reads: those that a transform may change."""
    from onnx import TensorProto

    from edge_export.quantize.bodies import captured_names

    uses = Counter(name for node in graph.node for name in node.input)
    shown = {info.name for info in graph.output} | captured_names(graph)
    return {
        tensor.name: tensor
        for tensor in graph.initializer
        if tensor.data_type == TensorProto.FLOAT and uses[tensor.name] == 1 and tensor.name not in shown
    }
