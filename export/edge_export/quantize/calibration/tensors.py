"""Which tensors of a graph calibration looks at."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

CHANNELS = {"Conv": 1, "ConvTranspose": 1, "Gemm": -1, "MatMul": -1}
"""Operator to the axis of its input that the weights sum over."""
PEAKS = frozenset({"Gemm", "MatMul"})


def activation_names(model: "onnx.ModelProto") -> list[str]:
    """Name every float32 tensor that a node reads or writes and that is no constant, in graph order."""
    import onnx

    constants = {tensor.name for tensor in model.graph.initializer}
    constants |= {name for node in model.graph.node if node.op_type == "Constant" for name in node.output}
    known = {
        info.name
        for info in (*model.graph.input, *model.graph.value_info, *model.graph.output)
        if info.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    }
    seen = dict.fromkeys(name for node in model.graph.node for name in (*node.input, *node.output))
    return [name for name in seen if name in known and name not in constants]


def channel_axes(model: "onnx.ModelProto", names: list[str]) -> dict[str, tuple[int, bool]]:
    """Name the inputs of operators with weights: the axis of their channels, and whether peaks are wanted.

    A tensor that two operators read by different axes is left out, and so are products of two activations: what an
    attention written out multiplies has as many channels as a text has tokens.
    """
    wanted = set(names)
    weights = {tensor.name for tensor in model.graph.initializer}
    axes: dict[str, set[int]] = {}
    peaks: set[str] = set()
    for node in model.graph.node:
        # transA turns the input around; exporters do not write it for layers.
        turned = any(attribute.name == "transA" and attribute.i for attribute in node.attribute)
        if node.op_type in CHANNELS and node.input[0] in wanted and node.input[1] in weights and not turned:
            axes.setdefault(node.input[0], set()).add(CHANNELS[node.op_type])
            if node.op_type in PEAKS:
                peaks.add(node.input[0])
    return {name: (next(iter(found)), name in peaks) for name, found in axes.items() if len(found) == 1}
