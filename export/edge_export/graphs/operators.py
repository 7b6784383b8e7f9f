"""What an operator of a graph costs, and which operator a kernel of the executed graph came from."""

from collections.abc import Iterable, Mapping
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

Shapes = Mapping[str, tuple[int, ...]]


def tensor_shapes(model: "onnx.ModelProto") -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor that shape inference or the file settles, for a batch of 1."""
    infos = (*model.graph.input, *model.graph.value_info, *model.graph.output)
    shapes = {}
    for info in infos:
        dims = info.type.tensor_type.shape.dim
        if info.type.tensor_type.HasField("shape"):
            # The batch is the one free axis that an export leaves; a second one would only scale the counts.
            shapes[info.name] = tuple(int(dim.dim_value) if dim.HasField("dim_value") else 1 for dim in dims)
    return shapes | {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}


def multiply_accumulates(model: "onnx.ModelProto") -> dict[str, int | None]:
    """Return the multiply-accumulates of each operator that does any, for a batch of 1, by node name in graph order.

    None stands for an operator whose shapes are not known.
    """
    shapes = tensor_shapes(model)
    return {node.name: _COUNTS[node.op_type](node, shapes) for node in model.graph.node if node.op_type in _COUNTS}


def _convolution(node: "onnx.NodeProto", shapes: Shapes) -> int | None:
    """Each output value sums over the kernel and the input channels of its group."""
    return _product(shapes, (node.output[0], 0), (node.input[1], 1))


def _transposed(node: "onnx.NodeProto", shapes: Shapes) -> int | None:
    """Each input value is spread over the kernel and the output channels of its group."""
    return _product(shapes, (node.input[0], 0), (node.input[1], 1))


def _matrix_product(node: "onnx.NodeProto", shapes: Shapes) -> int | None:
    inner = shapes.get(node.input[0])
    outer = shapes.get(node.output[0])
    return None if not inner or outer is None else prod(outer) * inner[-1]


def _gemm(node: "onnx.NodeProto", shapes: Shapes) -> int | None:
    weights, outer = shapes.get(node.input[1]), shapes.get(node.output[0])
    if not weights or not outer:
        return None
    return outer[0] * prod(weights)


def _product(shapes: Shapes, *parts: tuple[str, int]) -> int | None:
    """Multiply the sizes of tensors, each from an axis on."""
    if any(name not in shapes for name, _ in parts):
        return None
    return prod(prod(shapes[name][axis:]) for name, axis in parts)


_COUNTS = {
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "Gemm": _gemm,
    "MatMul": _matrix_product,
}


class Origins:
    """Finds the node of a graph that a kernel of the executed graph came from, by its name.

    ONNX Runtime names what it fuses or moves after a node or a tensor of the file, with something behind it
    (`node_Conv_7_token_2`, `relu_3_nchwc`, `input_QuantizeLinear`); the longest known beginning is taken.
    """

    def __init__(self, model: "onnx.ModelProto") -> None:
        nodes = list(model.graph.node)
        known = {name: node.name for node in reversed(nodes) for name in node.input if name}
        known |= {name: node.name for node in nodes for name in node.output}
        self._known: dict[str, str] = known | {node.name: node.name for node in nodes}

    def find(self, name: str) -> str | None:
        """Return the node's name, or None where nothing of the file begins that way."""
        for end in range(len(name), 0, -1):
            whole = end == len(name) or not name[end].isalnum()
            if whole and name[:end] in self._known:
                return self._known[name[:end]]
        return None

    def find_all(self, names: Iterable[str]) -> set[str]:
        """Return the nodes that any of the names came from."""
        return {found for name in names if (found := self.find(name)) is not None}
