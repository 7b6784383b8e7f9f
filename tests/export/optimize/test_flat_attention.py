"""Attention that splits its heads itself: no copies around it, and every answer stays."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_export.optimize.flat_attention import flatten_attention
from edge_export.sessions import predictor

WIDTH, HEADS, LENGTH = 8, 2, 5


def attention(flattened_before: bool = False, perm: tuple[int, ...] = (0, 2, 1, 3)) -> onnx.ModelProto:
    """Self-attention with a causal mask; `flattened_before` splits heads from rows of all texts in one."""
    generator = np.random.default_rng(0)
    constants = {name: generator.normal(size=(WIDTH, WIDTH)).astype(np.float32) for name in "qkv"}
    constants |= {
        "split": np.array([-1, LENGTH, HEADS, WIDTH // HEADS]), "merge": np.array([0, 0, WIDTH]),
        "rows": np.array([-1, WIDTH]), "mask": np.tril(np.ones((LENGTH, LENGTH), bool)),
    }  # fmt: skip
    nodes = [helper.make_node("MatMul", ["x", name], [name + "0"], f"{name}0") for name in "qkv"]
    if flattened_before:
        nodes += [helper.make_node("Reshape", [name + "0", "rows"], [name + "r"], f"{name}r") for name in "qkv"]
    last = "r" if flattened_before else "0"
    nodes += [helper.make_node("Reshape", [name + last, "split"], [name + "1"], f"{name}1") for name in "qkv"]
    nodes += [helper.make_node("Transpose", [name + "1"], [name + "2"], f"{name}2", perm=perm) for name in "qkv"]
    nodes += [
        helper.make_node("Attention", ["q2", "k2", "v2", "mask"], ["a0"], "attention", scale=0.3),
        helper.make_node("Transpose", ["a0"], ["a1"], "back", perm=perm),
        helper.make_node("Reshape", ["a1", "merge"], ["y"], "merge"),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", LENGTH, WIDTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", LENGTH, WIDTH])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)
    return onnx.shape_inference.infer_shapes(model)


def test_heads_are_split_by_the_operator_and_answers_stay(count_ops):
    before = attention()
    after, rewrites = flatten_attention(before)
    assert rewrites == 1 and count_ops(after) == {"Attention": 1, "MatMul": 3}
    batch = np.random.default_rng(1).standard_normal((3, LENGTH, WIDTH), dtype=np.float32)
    old, new = (predictor(model.SerializeToString())(batch) for model in (before, after))
    np.testing.assert_allclose(new, old, rtol=0, atol=1e-5 * float(np.abs(old).max()))


@pytest.mark.parametrize("told", [{"flattened_before": True}, {"perm": (0, 1, 2, 3)}])
def test_what_is_not_split_that_way_stays(told):
    assert flatten_attention(attention(**told))[1] == 0
