"""`Attention` for ONNX Runtimes that are older than opset 23: two forms, and the answers stay."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_export.candidates import Candidate
from edge_export.optimize.older_opset import LOWERINGS, OLDER_OPSET, lower, opset_of
from edge_export.other_runtimes import load_elsewhere
from edge_export.sessions import predictor
from edge_runtime.errors import InputError

WIDTH, HEADS, SIDE = 8, 2, 4


def attention(*, flat: bool = True, mask: str = "bool", **more: object) -> onnx.ModelProto:
    """Self-attention of `x` under a mask for each position; `flat` leaves the heads to the operator."""
    shape = ["n", "length", WIDTH] if flat else ["n", HEADS, "length", SIDE]
    heads = {"q_num_heads": HEADS, "kv_num_heads": HEADS} if flat else {}
    addend = [helper.make_node("Where", ["yes", "zero", "low"], ["mask"])] if mask == "float" else []
    nodes = [
        helper.make_node("Greater", ["row", "bound"], ["yes"]),
        *addend,
        helper.make_node("Attention", ["x", "x", "x", "mask" if addend else "yes"], ["y"], "a", **heads, **more),
    ]
    shapes = [helper.make_node("ReduceSum", ["x", "last"], ["sums"], keepdims=0)] if flat else []
    shapes += [] if flat else [helper.make_node("ReduceSum", ["x", "both"], ["sums"], keepdims=0)]
    shapes += [
        helper.make_node("Unsqueeze", ["sums", "middle"], ["thin"]),
        helper.make_node("Transpose", ["thin"], ["tall"], perm=[0, 1, 3, 2]),
        helper.make_node("Sub", ["thin", "tall"], ["row"]),  # (n, 1, length, length), zero on the diagonal
    ]
    constants = {
        "last": np.array([2]), "both": np.array([1, 3]), "middle": np.array([1, 2]), "bound": np.float32(-0.5),
        "zero": np.float32(0), "low": np.float32(-1e30),
    }  # fmt: skip
    graph = helper.make_graph(
        [*shapes, *nodes],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=11)
    return onnx.shape_inference.infer_shapes(model)


@pytest.mark.parametrize("form", LOWERINGS)
@pytest.mark.parametrize("mask", ["bool", "float"])
@pytest.mark.parametrize("more", [{}, {"scale": 0.7}])
def test_answers_stay_at_the_older_opset(form, mask, more):
    before = attention(mask=mask, **more)
    after = lower(before, form)
    assert opset_of(after) == OLDER_OPSET and after.ir_version == 10 and opset_of(before) == 23
    assert "Attention" not in [node.op_type for node in after.graph.node]
    batch = np.random.default_rng(0).standard_normal((3, 5, WIDTH), dtype=np.float32)
    old, new = (predictor(model.SerializeToString())(batch) for model in (before, after))
    np.testing.assert_allclose(new, old, rtol=0, atol=1e-5)


def test_heads_that_are_split_outside_are_written_out_alone():
    before = attention(flat=False)
    batch = np.random.default_rng(0).standard_normal((2, HEADS, 5, SIDE), dtype=np.float32)
    old, new = (predictor(model.SerializeToString())(batch) for model in (before, lower(before, "decomposed")))
    np.testing.assert_allclose(new, old, rtol=0, atol=1e-5)
    with pytest.raises(InputError, match="heads are split outside"):
        lower(before, "fused")


def test_what_has_no_older_form_is_told():
    with pytest.raises(InputError, match="Attention a: causal"):
        lower(attention(is_causal=1), "fused")
    model = attention()
    model.graph.node.append(helper.make_node("RMSNormalization", ["y", "bound"], ["z"], "rms"))
    with pytest.raises(InputError, match="RMSNormalization rms: opset 22 has no such operator"):
        lower(model, "decomposed")


@pytest.mark.parametrize("form", LOWERINGS)
def test_an_onnxruntime_that_refuses_opset_23_answers_the_same(form, older_pythons):
    if not older_pythons:
        pytest.skip("needs an older ONNX Runtime: run `make test-oldest` once")
    batch = [np.random.default_rng(0).standard_normal((3, 5, WIDTH), dtype=np.float32)]
    before, after = (
        Candidate("cpu-fp32", model.SerializeToString(), "fp32", "cpu", {})
        for model in (attention(), lower(attention(), form))
    )
    refused = load_elsewhere(before, batch, older_pythons).problems
    answered = load_elsewhere(after, batch, older_pythons).problems
    assert any(version.startswith("1.22.") for version in answered) and not any(answered.values())
    assert all(problem for version, problem in refused.items() if version.startswith("1.22."))
