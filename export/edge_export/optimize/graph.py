"""What several passes need of an onnx_ir graph: constants, sole readers, elementwise values."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

Floats = NDArray[np.float32]


def rewrite(model: "onnx.ModelProto", change: Callable[["ir.Graph", "ir.Node"], bool]) -> tuple["onnx.ModelProto", int]:
    """Offer each node of the main graph to `change`, in graph order, and count where it rewrote something."""
    from onnx_ir import serde
    from onnx_ir.passes.common import RemoveUnusedNodesPass

    parsed = serde.deserialize_model(model)
    count = sum(change(parsed.graph, node) for node in list(parsed.graph) if node.graph is parsed.graph)
    if not count:
        return model, 0
    parsed.graph.sort()  # quantizers append nodes after their readers, where one sweep for unused ones misses them
    RemoveUnusedNodesPass()(parsed)
    return serde.serialize_model(parsed), count


def constant(value: "ir.Value | None") -> Floats | None:
    """Return a value that is the same for every input, else None; a graph input with a default may be overridden."""
    if value is None or value.const_value is None or value.is_graph_input():
        return None
    return value.const_value.numpy()


def sole_reader(value: "ir.Value") -> "ir.Node | None":
    """Return the only node that reads `value`; None where several places do or the graph gives it out."""
    uses = tuple(value.uses())
    return uses[0].node if len(uses) == 1 and not value.is_graph_output() else None


def attribute(node: "ir.Node", name: str, default: float) -> float:
    """Return a number that a node holds, or ONNX's default for it."""
    found = node.attributes.get(name)
    return default if found is None else float(found.value)


def add_constant(graph: "ir.Graph", name: str, array: NDArray[np.generic]) -> "ir.Value":
    """Register an initializer under a name that is still free and return its value."""
    import onnx_ir as ir

    while name in graph.initializers:
        name += "_"
    tensor = ir.tensor(array, name=name)
    value = ir.Value(name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor)
    graph.register_initializer(value)
    return value


def operand(node: "ir.Node", index: int) -> "ir.Value":
    """Return an input that the operator always has."""
    value = node.inputs[index]
    if value is None:
        raise ValueError(f"{node.op_type} {node.name} has no input {index}")
    return value


def replace_output(node: "ir.Node", replacement: "ir.Node") -> None:
    """Let readers of `node` read `replacement` instead; an output of the graph keeps its name."""
    old, new = node.outputs[0], replacement.outputs[0]
    if old.is_graph_output():
        new.name, old.name = old.name, f"{old.name}_before"
    old.replace_all_uses_with(new, replace_graph_outputs=True)


def label(value: "ir.Value") -> str:
    """Return the name of a value that came from a file, so it has one."""
    return value.name or ""


def elementwise(
    op: str,
    inputs: "Sequence[ir.Value]",
    like: "ir.Value",
    name: str,
    *,
    domain: str = "",
    dtype: "np.dtype[np.generic] | None" = None,
) -> "ir.Node":
    """Return a node whose only output has the shape of `like`, and its type unless `dtype` is given."""
    import onnx_ir as ir

    node = ir.Node(domain, op, inputs, name=name)
    output = node.outputs[0]
    output.name, output.shape = name, like.shape
    output.type = like.type if dtype is None else ir.TensorType(ir.DataType.from_numpy(dtype))
    return node


def scale_producer(graph: "ir.Graph", node: "ir.Node", factor: float, shift: float) -> bool:
    """Make a convolution give `factor * (y + shift)` instead of `y`; False where its weights are not constant.

    Each output channel's weights keep their ratios, so a scale for each channel quantizes them as before.
    """
    weights = constant(node.inputs[1])
    given = node.inputs[2] if len(node.inputs) > 2 else None
    bias = constant(given)
    if weights is None or (given is not None and bias is None):
        return False
    if bias is None:
        bias = np.zeros(weights.shape[0], np.float32)
    name = label(node.outputs[0])
    node.replace_input_with(1, add_constant(graph, f"{name}_weights", (weights * factor).astype(np.float32)))
    moved = add_constant(graph, f"{name}_bias", ((bias.astype(np.float64) + shift) * factor).astype(np.float32))
    node.resize_inputs(3)
    node.replace_input_with(2, moved)
    return True
