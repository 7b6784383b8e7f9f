"""Opset 23 to one that older ONNX Runtimes load: `Attention` as the operator that was before it, or written out."""

import copy
from collections.abc import Callable
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_runtime.errors import InputError

if TYPE_CHECKING:
    import onnx

OLDER_OPSET, OLDER_IR = 22, 10
"""What ONNX Runtime 1.22, the oldest that `edge-runtime` takes, loads."""
LOWEST = np.finfo(np.float32).min
MICROSOFT = "com.microsoft"
MASK = 3
"""Place of the mask among the inputs, behind queries, keys and values."""

Lowering = Callable[["_Graph", "onnx.NodeProto"], "list[onnx.NodeProto]"]


def opset_of(model: "onnx.ModelProto") -> int:
    """Return the version of ONNX's own operators."""
    return next((int(one.version) for one in model.opset_import if one.domain in ("", "ai.onnx")), 1)


def lower(model: "onnx.ModelProto", form: str) -> "onnx.ModelProto":
    """Return a copy of `model` at `OLDER_OPSET`.

    Args:
        model: At opset 23; whether it answers the same is for the caller to check.
        form: A name of `LOWERINGS`.

    Raises:
        InputError: the graph has an operator, or a form of `Attention`, that cannot be expressed so.
    """
    from onnx import helper

    lowered = copy.deepcopy(model)
    graph = _Graph(lowered)
    nodes: list[onnx.NodeProto] = []
    for node in lowered.graph.node:
        attention = node.op_type == "Attention" and not node.domain
        nodes += LOWERINGS[form](graph, node) if attention else [node]
    del lowered.graph.node[:]
    lowered.graph.node.extend(nodes)
    _check_known(lowered)
    for one in lowered.opset_import:
        if one.domain in ("", "ai.onnx"):
            one.version = OLDER_OPSET
    used, stated = {node.domain for node in nodes}, {one.domain for one in lowered.opset_import}
    if MICROSOFT in used - stated:
        lowered.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
    lowered.ir_version = min(lowered.ir_version, OLDER_IR)
    return lowered


class _Graph:
    """What both forms ask and add."""

    def __init__(self, model: "onnx.ModelProto") -> None:
        infos = (*model.graph.value_info, *model.graph.input, *model.graph.output)
        self._types = {info.name: info.type.tensor_type for info in infos}
        self._graph = model.graph

    def width(self, name: str) -> int:
        """Return the last side of a tensor."""
        sides = self._types[name].shape.dim if name in self._types else ()
        if not sides or not sides[-1].dim_value:
            raise InputError(f"Attention on {name}: of unknown width, so it has no form for older ONNX Runtimes")
        return int(sides[-1].dim_value)

    def is_bool(self, name: str) -> bool:
        """Say whether a mask says yes or no, instead of what to add."""
        from onnx import TensorProto

        if name not in self._types:
            raise InputError(f"Attention with mask {name}: of unknown type, so it has no form for older ONNX Runtimes")
        return bool(self._types[name].elem_type == TensorProto.BOOL)

    def constant(self, name: str, values: Any) -> str:
        """Add an initializer, unless it is there, and return its name."""
        from onnx import numpy_helper

        if all(tensor.name != name for tensor in self._graph.initializer):
            self._graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def addend(self, node: "onnx.NodeProto") -> "tuple[list[onnx.NodeProto], str]":
        """Return what to add to the scores, and the nodes that make it of a mask of yes and no."""
        from onnx import helper

        mask = node.input[MASK] if len(node.input) > MASK else ""
        if not mask or not self.is_bool(mask):
            return [], mask
        zero, lowest = self.constant("older_zero", np.float32(0)), self.constant("older_lowest", LOWEST)
        made = f"{node.name}_addend"
        return [helper.make_node("Where", [mask, zero, lowest], [made], name=made)], made


def _attributes(node: "onnx.NodeProto") -> dict[str, Any]:
    """Return the attributes of an `Attention` of floats over all positions.

    Raises:
        InputError: it does something else.
    """
    from onnx import helper

    found = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    plain = not found.get("is_causal") and not found.get("softcap") and len(node.output) == 1
    same = found.get("q_num_heads") == found.get("kv_num_heads")
    if not plain or not same or any(node.input[MASK + 1 :]):
        raise InputError(f"Attention {node.name}: causal, capped, grouped or with a past; older ONNX Runtimes lack it")
    return found


def _fused(graph: _Graph, node: "onnx.NodeProto") -> "list[onnx.NodeProto]":
    """ONNX Runtime's own operator, which is older than ONNX's and wants queries, keys and values flat."""
    from onnx import helper

    said = _attributes(node)
    if "q_num_heads" not in said:
        raise InputError(f"Attention {node.name}: heads are split outside, so the older operator does not fit")
    made, addend = graph.addend(node)
    more = {"scale": said["scale"]} if "scale" in said else {}
    inputs = [*node.input[:MASK], *(["", "", addend] if addend else [])]
    return [
        *made,
        helper.make_node(
            "MultiHeadAttention", inputs, list(node.output), name=node.name, domain=MICROSOFT,
            num_heads=said["q_num_heads"], **more,
        ),
    ]  # fmt: skip


def _decomposed(graph: _Graph, node: "onnx.NodeProto") -> "list[onnx.NodeProto]":
    """Two products and a softmax, with heads split before and merged behind where the operator did so."""
    from onnx import helper

    said = _attributes(node)
    name, heads = node.name, said.get("q_num_heads")
    made, addend = graph.addend(node)

    def add(kind: str, inputs: list[str], what: str, **more: Any) -> str:
        output = f"{name}_{what}"
        made.append(helper.make_node(kind, inputs, [output], name=output, **more))
        return output

    query, key, value = node.input[:MASK]
    side = graph.width(query) // (heads or 1)
    turned = {"perm": [0, 1, 3, 2]}
    if heads:
        shape = graph.constant(f"older_split_{heads}", np.array([0, 0, heads, -1]))
        query, key, value = (add("Reshape", [one, shape], f"split{at}") for at, one in enumerate((query, key, value)))
        query, value = (add("Transpose", [one], f"{one}_turned", perm=[0, 2, 1, 3]) for one in (query, value))
        turned = {"perm": [0, 2, 3, 1]}
    scale = graph.constant(f"older_scale_{name}", np.float32(said.get("scale") or 1 / sqrt(side)))
    scores = add("MatMul", [add("Mul", [query, scale], "scaled"), add("Transpose", [key], "key", **turned)], "scores")
    if addend:
        scores = add("Add", [scores, addend], "masked")
    answer = add("MatMul", [add("Softmax", [scores], "shares", axis=-1), value], "answer")
    if heads:
        turned_back = add("Transpose", [answer], "merged", perm=[0, 2, 1, 3])
        shape = graph.constant("older_merge", np.array([0, 0, -1]))
        made.append(helper.make_node("Reshape", [turned_back, shape], list(node.output), name=name))
    else:
        made[-1].output[0] = node.output[0]
    return made


LOWERINGS: dict[str, Lowering] = {"fused": _fused, "decomposed": _decomposed}
"""Form to what replaces one `Attention`; which is faster is for the caller to measure."""


def _check_known(model: "onnx.ModelProto") -> None:
    """Check that every operator was there at `OLDER_OPSET`; those that opset 23 changed only take more types."""
    import onnx

    for node in model.graph.node:
        if node.domain in ("", "ai.onnx"):
            try:
                onnx.defs.get_schema(node.op_type, OLDER_OPSET)
            except onnx.defs.SchemaError as error:
                raise InputError(f"{node.op_type} {node.name}: opset {OLDER_OPSET} has no such operator") from error
