"""x * sigmoid(x) as one operator, which stays float between the quantized ones."""

import numpy as np
import pytest

from edge_export.optimize.silu import CONTRIB, fuse_silu
from edge_export.quantize.recipe import Recipe
from edge_export.quantize.static import quantize_static

GENERATOR = np.random.default_rng(0)
WEIGHTS = {
    "w": GENERATOR.standard_normal((8, 3, 3, 3)).astype(np.float32),
    "v": GENERATOR.standard_normal((4, 8, 1, 1)).astype(np.float32),
}
CONV = ("Conv", ["x", "w"], ["c"], {})
GATE = ("Sigmoid", ["c"], ["s"], {})
LAST = ("Conv", ["h", "v"], ["y"], {})


@pytest.mark.parametrize("order", [["c", "s"], ["s", "c"]])
def test_silu_is_fused_and_left_in_float(make_graph, assert_same, count_ops, order):
    model = make_graph([CONV, GATE, ("Mul", order, ["h"], {}), LAST], WEIGHTS)
    fused, count = fuse_silu(model)
    assert (count, count_ops(fused)) == (1, {"Conv": 2, "QuickGelu": 1})
    assert CONTRIB in {entry.domain for entry in fused.opset_import}
    assert_same(model, fused)
    names = {name for node in fused.graph.node for name in (*node.input, *node.output)} - set(WEIGHTS)
    quantized = quantize_static(fused, Recipe("r"), dict.fromkeys(names, (-9.0, 9.0)))
    gelu = next(node for node in quantized.graph.node if node.op_type == "QuickGelu")
    writer = {name: node.op_type for node in quantized.graph.node for name in node.output}
    readers = {node.op_type for node in quantized.graph.node if gelu.output[0] in node.input}
    assert (writer[gelu.input[0]], readers) == ("DequantizeLinear", {"QuantizeLinear"})


def test_an_output_of_the_graph_keeps_its_name(make_graph, assert_same):
    model = make_graph([CONV, GATE, ("Mul", ["c", "s"], ["y"], {})], WEIGHTS)
    fused, count = fuse_silu(model)
    assert (count, fused.graph.output[0].name) == (1, "y")
    assert_same(model, fused)


@pytest.mark.parametrize(
    "nodes",
    [
        [CONV, ("Sigmoid", ["x"], ["s"], {}), ("Conv", ["s", "w"], ["t"], {}), ("Mul", ["c", "t"], ["h"], {}), LAST],
        [CONV, GATE, ("Mul", ["c", "s"], ["g"], {}), ("Add", ["g", "s"], ["h"], {}), LAST],
        [CONV, GATE, ("Mul", ["s", "s"], ["h"], {}), LAST],
        [CONV, ("Mul", ["c", "a"], ["d"], {}), ("Sigmoid", ["d"], ["s"], {}), ("Mul", ["c", "s"], ["h"], {}), LAST],
    ],
    ids=["of another tensor", "gate read elsewhere", "gate squared", "another slope"],
)
def test_near_misses_stay(make_graph, nodes):
    model = make_graph(nodes, WEIGHTS | {"a": np.float32(1.702)})
    assert fuse_silu(model)[1] == 0
