"""Graphs small enough to read, and what a rewrite does to their answers."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_export.sessions import predictor

SHAPE = (3, 12, 12)


@pytest.fixture
def make_graph() -> Callable[..., onnx.ModelProto]:
    """Build a graph of nodes from `x` to `y`; `shape` without the batch axis."""

    def make(nodes, constants, shape=SHAPE, outputs=("y",)):
        model = helper.make_model(
            helper.make_graph(
                [
                    helper.make_node(op, inputs, outs, name=f"{op}_{outs[0]}", **more)
                    for op, inputs, outs, more in nodes
                ],
                "g",
                [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *shape])],
                [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
                [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
            ),
            opset_imports=[helper.make_opsetid("", 18)],
            ir_version=9,
        )
        return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)

    return make


@pytest.fixture
def assert_same() -> Callable[..., None]:
    """Assert that two graphs of one input answer alike, at two batch sizes, in their first output."""

    def check(before, after, shape=SHAPE, rtol=1e-5):
        generator = np.random.default_rng(1)
        onnx.checker.check_model(after)
        old, new = (predictor(model.SerializeToString()) for model in (before, after))
        for size in (1, 3):
            batch = generator.standard_normal((size, *shape), dtype=np.float32) * 3
            expected = old(batch)
            np.testing.assert_allclose(new(batch), expected, rtol=0, atol=rtol * float(np.abs(expected).max()))

    return check


@pytest.fixture
def count_ops() -> Callable[[onnx.ModelProto], dict[str, int]]:
    def count(model):
        ops = [node.op_type for node in model.graph.node]
        return {op: ops.count(op) for op in sorted(set(ops))}

    return count
