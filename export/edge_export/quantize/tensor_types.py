"""The type of every tensor: quantizers leave alone what they do not know to be float."""

import copy
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from edge_runtime.session import create_session

if TYPE_CHECKING:
    import onnx

INFERRED = ("onnx.infer", "onnxruntime.quant")
"""Metadata by which ONNX Runtime's quantizers know that shapes are inferred; without it they infer them again."""


def infer_types(model: "onnx.ModelProto") -> None:
    """Know the type of every tensor: by ONNX's inference, and by ONNX Runtime's where it has operators of its own."""
    import onnx

    if not _untyped(model):
        return
    inferred = onnx.shape_inference.infer_shapes(model).graph.value_info
    del model.graph.value_info[:]
    model.graph.value_info.extend(inferred)
    if _untyped(model):
        _infer_by_runtime(model)


def _untyped(model: "onnx.ModelProto") -> list[str]:
    graph = model.graph
    known = {info.name for info in (*graph.value_info, *graph.output) if info.type.tensor_type.elem_type}
    return [name for node in graph.node for name in node.output if name and name not in known]


def _infer_by_runtime(model: "onnx.ModelProto") -> None:
    from onnx import TensorProto, helper

    for found in _seen_by_runtime(model, _untyped(model)):
        if found.type == "tensor(float)":
            shape = [one if isinstance(one, int | str) else None for one in found.shape]
            model.graph.value_info.append(helper.make_tensor_value_info(found.name, TensorProto.FLOAT, shape))


def find_ranks(model: "onnx.ModelProto", names: Collection[str]) -> dict[str, int]:
    """Return the number of dimensions of tensors: by the file, or by ONNX Runtime where the file does not say it."""
    infos = (*model.graph.value_info, *model.graph.output)
    known = {info.name: info.type.tensor_type for info in infos if info.type.tensor_type.HasField("shape")}
    ranks = {name: len(known[name].shape.dim) for name in names if name in known}
    left = [name for name in names if name not in known]
    return ranks | {found.name: len(found.shape) for found in _seen_by_runtime(model, left)}


def _seen_by_runtime(model: "onnx.ModelProto", names: Collection[str]) -> list[Any]:
    """Return what ONNX Runtime knows of tensors, which have a `name`, a `type` and a `shape`."""
    from onnx import helper

    if not names:
        return []
    probe = copy.deepcopy(model)
    present = {info.name for info in probe.graph.output}
    probe.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names if name not in present)
    session = create_session(probe.SerializeToString(), options={"graph_optimization_level": "disabled"})
    return [found for found in session.get_outputs() if found.name in names]
