"""Fold constants, batch norms and dead nodes."""

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import onnx


def simplify(model: "onnx.ModelProto") -> tuple["onnx.ModelProto", int]:
    """Let onnxslim fold what does not depend on the input; counts the nodes that went."""
    import onnxslim

    before = len(model.graph.node)
    slimmed = cast("onnx.ModelProto", onnxslim.slim(model))
    return slimmed, abs(before - len(slimmed.graph.node))
