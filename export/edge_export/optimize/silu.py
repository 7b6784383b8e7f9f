"""x * sigmoid(x) as one float operator."""

from typing import TYPE_CHECKING

from edge_export.optimize.graph import elementwise, operand, replace_output, rewrite, sole_reader

if TYPE_CHECKING:
    import onnx
    import onnx_ir as ir

CONTRIB = "com.microsoft"


def fuse_silu(model: "onnx.ModelProto") -> tuple["onnx.ModelProto", int]:
    """Rewrite `Mul(x, Sigmoid(x))` as `com.microsoft.QuickGelu` with alpha 1, which the quantizer leaves in float.

    In float32 ONNX Runtime fuses it by itself. Between Q and DQ it cannot, and runs QLinearSigmoid and QLinearMul,
    scalar loops that take longer than float vectors with both conversions (EfficientNet-B0 int8: 5.74 -> 5.07 ms on a
    quiet machine; beside neighbors that keep the caches busy the gain is gone).
    """
    fused, count = rewrite(model, _fuse)
    if count and CONTRIB not in {entry.domain for entry in fused.opset_import}:
        fused.opset_import.add(domain=CONTRIB, version=1)
    return fused, count


def _fuse(graph: "ir.Graph", node: "ir.Node") -> bool:
    import onnx_ir as ir

    if node.op_type != "Mul":
        return False
    for gate, source in ((operand(node, 0), operand(node, 1)), (operand(node, 1), operand(node, 0))):
        inner = gate.producer()
        if (
            inner is None
            or inner.op_type != "Sigmoid"
            or inner.inputs[0] is not source
            or sole_reader(gate) is not node
        ):
            continue
        result = node.outputs[0]
        fused = elementwise("QuickGelu", [source], result, f"{result.name}_silu", domain=CONTRIB)
        fused.attributes["alpha"] = ir.AttrFloat32("alpha", 1.0)
        graph.insert_before(node, fused)
        replace_output(node, fused)
        graph.remove([node, inner], safe=True)
        return True
    return False
