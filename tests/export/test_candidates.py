"""Candidates of graphs that name nothing: operators are found again all the same."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from edge_export.candidates import make_baseline, make_int8, prepare_int8
from edge_export.quantize import RECIPES, observe


def test_operators_without_names_are_told_apart():
    generator = np.random.default_rng(0)
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["x", "v"], ["a"]),
            helper.make_node("Relu", ["a"], ["b"]),
            helper.make_node("Conv", ["b", "w"], ["c"]),
            helper.make_node("GlobalAveragePool", ["c"], ["d"]),
            helper.make_node("Flatten", ["d"], ["y"]),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 5])],
        [
            numpy_helper.from_array(generator.standard_normal((8, 3, 3, 3)).astype(np.float32), "v"),
            numpy_helper.from_array(generator.standard_normal((5, 8, 3, 3)).astype(np.float32), "w"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    captured = SimpleNamespace(model=model, preprocessing=SimpleNamespace(tensor_shape=(3, 8, 8), kind="image"))
    baseline, _, _ = make_baseline(captured)  # type: ignore[arg-type]
    prepared, _ = prepare_int8(baseline, captured)  # type: ignore[arg-type]
    samples = list(generator.standard_normal((4, 3, 8, 8)).astype(np.float32))
    candidate = make_int8(prepared, RECIPES["minmax"], observe(prepared, lambda: samples))
    assert candidate.coverage is not None
    assert [one.name for one in candidate.coverage.operators] == ["Conv:a", "Conv:c"]
    assert candidate.in_int8 == 2
    equalized = make_int8(prepared, replace(RECIPES["minmax"], equalize=True), observe(prepared, lambda: samples))
    assert equalized.notes == ("equalized 1 pairs of convolutions",)
