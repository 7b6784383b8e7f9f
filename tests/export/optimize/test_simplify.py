"""What is folded: batch norms, constants in nodes, operators that do nothing in evaluation."""

import numpy as np
import pytest
from onnx import numpy_helper

from edge_export.optimize.simplify import simplify

GENERATOR = np.random.default_rng(0)
WEIGHTS = GENERATOR.standard_normal((8, 3, 3, 3)).astype(np.float32)
NORM = {
    "scale": GENERATOR.uniform(0.5, 2, 8).astype(np.float32),
    "offset": GENERATOR.standard_normal(8).astype(np.float32),
    "mean": GENERATOR.standard_normal(8).astype(np.float32),
    "var": GENERATOR.uniform(0.5, 2, 8).astype(np.float32),
}
BATCH_NORM = ("BatchNormalization", ["c", *NORM], ["n"], {})


@pytest.mark.parametrize("weights_in_nodes", [False, True])
def test_a_batch_norm_is_folded_into_its_convolution(make_graph, assert_same, count_ops, weights_in_nodes):
    nodes = [("Conv", ["x", "w"], ["c"], {}), BATCH_NORM, ("Relu", ["n"], ["y"], {})]
    constants = {"w": WEIGHTS, **NORM}
    if weights_in_nodes:  # as PaddleOCR exports them
        held = [
            ("Constant", [], [name], {"value": numpy_helper.from_array(value)}) for name, value in constants.items()
        ]
        nodes, constants = [*held, *nodes], {}
    model = make_graph(nodes, constants)
    slim, count = simplify(model)
    assert count > 0
    assert count_ops(slim) == {"Conv": 1, "Relu": 1}
    assert {tensor.name for tensor in slim.graph.initializer} >= {slim.graph.node[0].input[1]}
    assert_same(model, slim)


def test_a_batch_norm_of_a_tensor_read_elsewhere_stays(make_graph, assert_same):
    nodes = [("Conv", ["x", "w"], ["c"], {}), BATCH_NORM, ("Add", ["n", "c"], ["y"], {})]
    model = make_graph(nodes, {"w": WEIGHTS, **NORM})
    slim, _ = simplify(model)
    assert "BatchNormalization" in {node.op_type for node in slim.graph.node}
    assert_same(model, slim)


def test_what_does_nothing_goes(make_graph, assert_same, count_ops):
    nodes = [
        ("Identity", ["x"], ["i"], {}),
        ("Conv", ["i", "w"], ["c"], {}),
        ("Dropout", ["c"], ["d"], {}),
        ("Mul", ["two", "three"], ["six"], {}),
        ("Mul", ["d", "six"], ["m"], {}),
        ("Relu", ["m"], ["y"], {}),
    ]
    model = make_graph(nodes, {"w": WEIGHTS, "two": np.float32(2), "three": np.float32(3)})
    slim, _ = simplify(model)
    assert count_ops(slim) == {"Conv": 1, "Mul": 1, "Relu": 1}
    assert_same(model, slim)
