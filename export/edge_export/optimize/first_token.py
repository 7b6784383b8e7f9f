"""Classifiers that read the first token alone: compute nothing of the last layer for the others."""

from typing import TYPE_CHECKING

import numpy as np

from edge_export.optimize.graph import add_constant, constant, label, rewrite

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

ROWWISE = frozenset(
    {"Add", "Div", "Dropout", "Erf", "Gelu", "Identity", "LayerNormalization", "MatMul", "Mul", "Relu", "Sub", "Tanh"}
)
"""Operators that make each token's row of that token's rows alone."""
LENGTH_AXIS = 1
"""Of `(batch, length, width)`."""
HEADS_RANK = 4


def take_first_token_early(model: "onnx.ModelProto") -> tuple["onnx.ModelProto", int]:
    """Where one token's row is gathered, compute only what that row needs.

    BERT's head reads the first token. Of the last layer the other tokens' queries, attention, feed-forward network and
    normalizations are computed for nobody; their keys and values are needed and stay. It is exact but for the order in
    which sums of other shapes are added.
    """
    return rewrite(model, _rewrite)


def _rewrite(graph: "ir.Graph", node: "ir.Node") -> bool:
    if node.op_type != "Gather" or _axis(node) != LENGTH_AXIS or len(node.inputs) != 2 or node.inputs[0] is None:
        return False
    index, source = constant(node.inputs[1]), node.inputs[0]
    if index is None or index.shape != () or int(index) != 0 or len(tuple(source.uses())) != 1:
        return False
    cut = _Cut(graph, node)
    cut.follow()
    return cut.apply()


def _shorten(value: "ir.Value", axis: int) -> None:
    """Note that a value now has one token; later passes ask for its rank."""
    import onnx_ir as ir

    if value.shape is not None:
        value.shape = ir.Shape([1 if at == axis else side for at, side in enumerate(value.shape)])


def _axis(node: "ir.Node") -> int:
    found = node.attributes.get("axis")
    return 0 if found is None else int(found.value)


class _Cut:
    """The nodes that are computed for the first token alone, found from the gather upwards."""

    def __init__(self, graph: "ir.Graph", gather: "ir.Node") -> None:
        self._graph, self._gather = graph, gather
        self._axes: dict[ir.Value, int] = {}
        """Value to the axis of the tokens in it."""
        self._inside: list[ir.Node] = []
        source = gather.inputs[0]
        assert source is not None
        self._axes[source] = LENGTH_AXIS

    def follow(self) -> None:
        """Walk from the gather to the inputs; a node is inside when everyone who reads it is."""
        reached = False
        for node in reversed(list(self._graph)):
            reached = reached or node is self._gather
            if not reached or len(node.outputs) != 1 or node.outputs[0] not in self._axes:
                continue
            output = node.outputs[0]
            readers = [use.node for use in output.uses()]
            if output.is_graph_output() or not all(one is self._gather or one in self._inside for one in readers):
                continue
            above = self._above(node, self._axes[output])
            if above and all(self._axes.get(value, axis) == axis for value, axis in above):
                self._inside.append(node)
                self._axes.update(above)

    def _above(self, node: "ir.Node", axis: int) -> "list[tuple[ir.Value, int]]":
        """Return the inputs that carry tokens, each with their axis; none where the node cannot be inside."""
        first = node.inputs[0]
        if first is None:
            return []
        if node.op_type == "Transpose" and "perm" in node.attributes:
            return [(first, int(list(node.attributes["perm"].value)[axis]))]
        if node.op_type == "Reshape" and axis == LENGTH_AXIS and self._tail(node) is not None:
            return [(first, LENGTH_AXIS)]
        if node.op_type == "Attention" and not node.domain and axis == HEADS_RANK - 2:
            return [(first, axis)]
        if node.op_type not in ROWWISE or axis != LENGTH_AXIS:
            return []
        carrying = [value for value in node.inputs if value is not None and constant(value) is None]
        flat = all(
            len(value.shape or ()) <= 2 for value in node.inputs if value is not None and constant(value) is not None
        )
        return [(value, axis) for value in carrying] if flat else []

    @staticmethod
    def _tail(node: "ir.Node") -> list[int] | None:
        """Return what a reshape does with a row: the known sides after batch and length; None where it does more."""
        shape = node.inputs[1]
        found = None if shape is None else constant(shape)
        if found is not None:
            return [int(side) for side in found[2:]] if len(found) > 2 else None
        made = None if shape is None else shape.producer()
        if made is None or made.op_type != "Concat" or len(made.inputs) < 3:
            return None
        sides = [constant(value) for value in made.inputs[2:]]
        known = [int(side.reshape(-1)[0]) for side in sides if side is not None and side.size == 1]
        return known if len(known) == len(sides) else None

    def apply(self) -> bool:
        """Slice what comes from outside, and let the nodes inside know of one token."""
        if not any(node.op_type == "MatMul" for node in self._inside):
            return False
        boundary = [value for value in self._axes if value.producer() not in self._inside]
        for value in boundary:
            first = self._slice(value, self._axes[value])
            for use in tuple(value.uses()):
                if use.node in self._inside or use.node is self._gather:
                    self._read_first(use.node, use.idx, first)
        for node in self._inside:
            if node.op_type == "Reshape":
                tail = self._tail(node)
                assert tail is not None
                name = f"{label(node.outputs[0])}_first_shape"
                node.replace_input_with(1, add_constant(self._graph, name, np.array([0, 1, *tail], np.int64)))
                node.attributes.pop("allowzero", None)
            if node.op_type == "Attention" and len(node.inputs) > 3 and node.inputs[3] is not None:
                node.replace_input_with(3, self._slice(node.inputs[3], HEADS_RANK - 2))
            _shorten(node.outputs[0], self._axes[node.outputs[0]])
        return True

    def _read_first(self, node: "ir.Node", index: int, first: "ir.Value") -> None:
        if node.op_type == "Attention" and index != 0:
            return  # keys and values are of all tokens
        node.replace_input_with(index, first)

    def _slice(self, value: "ir.Value", axis: int) -> "ir.Value":
        import onnx_ir as ir

        name = f"{label(value)}_first"
        bounds = [
            add_constant(self._graph, f"{name}_{what}", np.array([number], np.int64))
            for what, number in (("start", 0), ("end", 1), ("axis", axis))
        ]
        node = ir.Node("", "Slice", [value, *bounds], name=name)
        node.outputs[0].name, node.outputs[0].type = name, value.type
        producer = value.producer()
        if producer is None:
            self._graph.insert_before(next(iter(self._graph)), node)
        else:
            self._graph.insert_after(producer, node)
        return node.outputs[0]
