"""Brings a foreign ONNX graph to the form that the export works on: one float32 image in, logits out, a free batch."""

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from edge_export.capture.onnx_signature import Signature
from edge_export.capture.torch_module import anonymize

if TYPE_CHECKING:
    import onnx

FINAL_ACTIVATIONS = frozenset({"Softmax", "LogSoftmax", "Sigmoid"})
"""What turns logits into scores: the runtime does it itself, and none of them changes which answer is the largest."""

LUMA = (0.299, 0.587, 0.114)
"""ITU-R BT.601, as Pillow's `convert("L")` and OpenCV weigh red, green and blue."""


def take_logits(model: "onnx.ModelProto", output: str) -> tuple["onnx.ModelProto", str]:
    """Return the graph with `output` as its only output, moved in front of a final activation, and which that was."""
    from onnx import helper

    model = copy.deepcopy(model)
    graph = model.graph
    producers = {name: node for node in graph.node for name in node.output}
    name, skipped = output, ""
    while name in producers:
        node = producers[name]
        if node.op_type in FINAL_ACTIVATIONS and not skipped:
            skipped = node.op_type
        elif node.op_type != "Identity":
            break
        name = node.input[0]
    info = next(info for info in graph.output if info.name == output)
    answer = helper.make_tensor_value_info(name if skipped else output, info.type.tensor_type.elem_type, None)
    del graph.output[:]
    graph.output.append(answer)
    return model, skipped


def normalize(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """Inline functions, turn constants into initializers, drop what nothing uses, and what names the exporter's files.

    Quantizers look at initializers alone, and miss the weights of models that keep them in `Constant` nodes.
    """
    import onnx_ir
    from onnx_ir.passes import common

    passes = onnx_ir.passes.Sequential(
        common.InlinePass(),
        common.RemoveInitializersFromInputsPass(),
        common.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        common.RemoveUnusedNodesPass(),
        common.RemoveUnusedOpsetsPass(),
        common.ClearMetadataAndDocStringPass(),
    )
    return anonymize(onnx_ir.to_proto(passes(onnx_ir.from_proto(model)).model))


def adapt(
    model: "onnx.ModelProto", signature: Signature, shape: Sequence[int], classes: int, *, batch: Literal["batch", 1]
) -> "onnx.ModelProto":
    """Return the graph with one float32 input of three channels, and an answer `(batch, classes)`.

    Args:
        model: As `take_logits` and `normalize` left it.
        signature: What the file takes.
        shape: Of one tensor that preprocessing gives.
        classes: Number of logits.
        batch: Free, which is worth a try even where the file fixes it, or one item at a time.
    """
    from onnx import TensorProto, helper, numpy_helper

    model = copy.deepcopy(model)
    graph = model.graph
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in signature.held.items())
    name = signature.input
    prelude: list[onnx.NodeProto] = []
    if signature.channels == 1:
        name = _gray(graph, name, signature.image.layout, prelude)
    if signature.dtype == "uint8":
        name = _bytes(graph, name, prelude)
    for node in prelude:
        graph.node.insert(0, node)
    if signature.batch == 1 and batch == "batch":
        _free_reshapes(model)
    answer = graph.output[0].name
    del graph.input[:], graph.output[:], graph.value_info[:]
    graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, *shape]))
    graph.output.append(helper.make_tensor_value_info(answer, TensorProto.FLOAT, [batch, classes]))
    return model


def _fresh(graph: "onnx.GraphProto", wanted: str) -> str:
    used = {name for node in graph.node for name in (*node.input, *node.output)}
    used |= {tensor.name for tensor in graph.initializer}
    while wanted in used:
        wanted += "_"
    return wanted


def _gray(graph: "onnx.GraphProto", name: str, layout: str, prelude: list["onnx.NodeProto"]) -> str:
    """Weigh the three channels of the image to the one that the graph takes; return the new input's name."""
    from onnx import helper, numpy_helper

    color, weights = _fresh(graph, f"{name}_rgb"), _fresh(graph, "luma")
    planar = layout == "NCHW"
    values = np.array(LUMA, np.float32).reshape((1, 3, 1, 1) if planar else (3, 1))
    graph.initializer.append(numpy_helper.from_array(values, weights))
    prelude.append(helper.make_node("Conv" if planar else "MatMul", [color, weights], [name], name="gray"))
    return color


def _bytes(graph: "onnx.GraphProto", name: str, prelude: list["onnx.NodeProto"]) -> str:
    """Take the bytes as float32, without a cast where the graph makes floats of them anyway; return the name."""
    from onnx import TensorProto, helper

    users = [node for node in graph.node if name in node.input]
    if all(node.op_type == "Cast" and node.attribute[0].i == TensorProto.FLOAT for node in users):
        for node in users:
            node.op_type = "Identity"
            del node.attribute[:]
        return name
    cast = _fresh(graph, f"{name}_bytes")
    for node in users:
        for at, used in enumerate(node.input):
            if used == name:
                node.input[at] = cast
    prelude.append(helper.make_node("Cast", [name], [cast], name="to_bytes", to=TensorProto.UINT8))
    return name


def _free_reshapes(model: "onnx.ModelProto") -> None:
    """Let reshapes to one item take any number: a first side of 1 becomes what is left over, or the input's."""
    from onnx import numpy_helper

    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "Reshape" or node.input[1] not in constants:
            continue
        shape = numpy_helper.to_array(constants[node.input[1]])
        if len(shape) < 2 or shape[0] != 1 or 0 in shape:
            continue
        freed = np.array([0 if -1 in shape else -1, *shape[1:]], np.int64)
        del node.attribute[:]  # `allowzero`, which would make an empty side of "the input's"
        tensor = numpy_helper.from_array(freed, f"{node.input[1]}_of_{node.output[0]}")
        model.graph.initializer.append(tensor)
        node.input[1] = tensor.name
