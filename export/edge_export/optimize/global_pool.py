"""Means over all of height and width to `GlobalAveragePool`, which has an int8 kernel."""

from typing import TYPE_CHECKING

from edge_export.optimize.graph import attribute, constant, elementwise, operand, replace_output, rewrite

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

IMAGE_RANK = 4
SPATIAL_AXES = [2, 3]


def use_global_average_pool(model: "onnx.ModelProto") -> tuple["onnx.ModelProto", int]:
    """Rewrite every spatial mean of an NCHW tensor.

    The dynamo exporter writes global pooling as `ReduceMean`. ONNX Runtime has no int8 kernel for it, so in an int8
    graph the tensor would be turned to float first (EfficientNet-B0: 6.91 -> 5.74 ms with the rewrite). Other exporters
    write an `AveragePool` whose kernel is as large as its input.
    """
    return rewrite(model, _pool)


def _pool(graph: "ir.Graph", node: "ir.Node") -> bool:
    import onnx_ir as ir

    if not (_is_spatial_mean(node) or _is_full_pool(node)):
        return False
    result = node.outputs[0]
    pooled = elementwise("GlobalAveragePool", [operand(node, 0)], result, f"{result.name}_pooled")
    replacement = [pooled]
    if node.op_type == "ReduceMean" and not attribute(node, "keepdims", 1):
        pooled.outputs[0].shape = None if result.shape is None else ir.Shape([*result.shape, 1, 1])
        flat = elementwise("Flatten", [pooled.outputs[0]], result, f"{result.name}_flat")
        flat.attributes["axis"] = ir.AttrInt64("axis", 1)
        replacement.append(flat)
    graph.insert_before(node, replacement)
    replace_output(node, replacement[-1])
    graph.remove(node, safe=True)
    return True


def _rank(value: "ir.Value") -> int:
    return 0 if value.shape is None else len(value.shape)


def _is_spatial_mean(node: "ir.Node") -> bool:
    if node.op_type != "ReduceMean" or _rank(operand(node, 0)) != IMAGE_RANK:
        return False
    if len(node.inputs) > 1:
        found = constant(node.inputs[1])
        axes = [] if found is None else found.tolist()
    else:
        given = node.attributes.get("axes")
        axes = [] if given is None else list(given.value)
    return sorted(int(axis) % IMAGE_RANK for axis in axes) == SPATIAL_AXES


def _is_full_pool(node: "ir.Node") -> bool:
    if node.op_type != "AveragePool":
        return False
    source, kernel = operand(node, 0), node.attributes.get("kernel_shape")
    pads, auto = node.attributes.get("pads"), node.attributes.get("auto_pad")
    return (
        source.shape is not None
        and kernel is not None
        and len(source.shape) == IMAGE_RANK
        and list(source.shape)[2:] == list(kernel.value)
        and not (pads is not None and any(pads.value))
        and (auto is None or auto.value == "NOTSET")
    )
