"""The rewrite of spatial means: where it applies, that it keeps the answer, where it leaves a graph alone."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_export.inputs import picture_probes
from edge_export.optimize import BASELINE_PASSES, optimize
from edge_export.optimize.global_pool import use_global_average_pool
from edge_export.sessions import predictor
from edge_runtime.errors import RefusedError

SHAPE = (3, 8, 8)


def graph(axes: list[int], keepdims: int) -> onnx.ModelProto:
    """A convolution and the mean over `axes`."""
    weights = np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("ReduceMean", ["c", "axes"], ["y"], name="mean", keepdims=keepdims),
    ]
    constants = [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.array(axes, np.int64), "axes")]
    source = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *SHAPE])
    target = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    model = helper.make_model(
        helper.make_graph(nodes, "g", [source], [target], constants),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    return onnx.shape_inference.infer_shapes(model)


@pytest.mark.parametrize("axes", [[2, 3], [-2, -1], [-1, -2], [3, 2]])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_spatial_means_become_pools_and_keep_their_answers(axes, keepdims):
    model = graph(axes, keepdims)
    batch = np.random.default_rng(1).standard_normal((2, *SHAPE), dtype=np.float32)
    expected = predictor(model.SerializeToString())(batch)
    rewritten, count = use_global_average_pool(model)
    assert count == 1
    assert "GlobalAveragePool" in {node.op_type for node in rewritten.graph.node}
    actual = predictor(rewritten.SerializeToString())(batch)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("axes", [[1, 2], [1], [2], [1, 2, 3]])
def test_other_means_stay(axes):
    rewritten, count = use_global_average_pool(graph(axes, 1))
    assert count == 0
    assert [node.op_type for node in rewritten.graph.node] == ["Conv", "ReduceMean"]


def test_a_pass_that_changes_an_answer_is_refused():
    def breaks(model):
        weights = numpy_helper.to_array(model.graph.initializer[0])
        model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights * np.float32(1.01), "w"))
        return model, 1

    with pytest.raises(RefusedError, match="graph pass breaks"):
        optimize(graph([2, 3], 1), picture_probes(SHAPE), {"breaks": breaks})
    optimize(graph([2, 3], 1), picture_probes(SHAPE), BASELINE_PASSES)


@pytest.mark.parametrize(
    ("kernel", "pads", "expected"), [([12, 12], [0] * 4, 1), ([6, 12], [0] * 4, 0), ([12, 12], [1] * 4, 0)]
)
def test_a_pool_as_large_as_its_input_is_global(make_graph, assert_same, kernel, pads, expected):
    model = make_graph([("AveragePool", ["x"], ["y"], {"kernel_shape": kernel, "pads": pads})], {})
    rewritten, count = use_global_average_pool(model)
    assert count == expected
    assert [info.name for info in rewritten.graph.output] == ["y"]
    assert_same(model, rewritten)
