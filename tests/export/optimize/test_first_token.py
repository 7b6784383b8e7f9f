"""A head that reads the first token: what only other tokens' rows need is not computed, and answers stay."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_export.inputs import token_probes
from edge_export.optimize import BASELINE_PASSES, optimize
from edge_export.optimize.first_token import take_first_token_early
from edge_export.sessions import predictor
from edge_runtime.preprocessing import TextPreprocessing

WIDTH, HEADS, WORDS = 8, 2, 20
CONTRACT = TextPreprocessing("0" * 64, WORDS, 0, 32)
TAPPED = [("ReduceMax", ["f3", "one"], ["most"], {"keepdims": 0}), ("Add", ["plain", "most"], ["logits"], {})]


def encoder(index: int = 0, tap: bool = False) -> onnx.ModelProto:
    """One layer of an encoder with a mask; `tap` lets the answer depend on all rows of the last layer as well."""
    generator = np.random.default_rng(0)
    constants: dict[str, np.ndarray] = {
        "table": generator.normal(size=(WORDS, WIDTH)),
        **{name: generator.normal(size=(WIDTH, WIDTH)) / 3 for name in ("q", "k", "v", "o", "up", "down", "head")},
        **{name: generator.normal(size=WIDTH) for name in ("bias", "scale", "shift")},
        "pad": np.array(0), "last": np.array([1, 2]), "at": np.array(index), "one": np.array([1]),
        "tail": np.array([HEADS]), "side": np.array([WIDTH // HEADS]), "all": np.array([WIDTH]),
    }  # fmt: skip
    heads = [("MatMul", ["h", name], [name + "0"], {}) for name in "qkv"]
    heads += [("Reshape", [name + "0", "split"], [name + "1"], {"allowzero": 1}) for name in "qkv"]
    heads += [("Transpose", [name + "1"], [name + "2"], {"perm": [0, 2, 1, 3]}) for name in "qkv"]
    nodes = [
        ("Gather", ["table", "input"], ["h"], {}),
        ("Shape", ["input"], ["n"], {"start": 0, "end": 1}),
        ("Shape", ["input"], ["length"], {"start": 1, "end": 2}),
        ("Concat", ["n", "length", "tail", "side"], ["split"], {"axis": 0}),
        ("Concat", ["n", "length", "all"], ["merge"], {"axis": 0}),
        ("Concat", ["n", "one", "length", "length"], ["square"], {"axis": 0}),
        ("Equal", ["input", "pad"], ["is_pad"], {}),
        ("Not", ["is_pad"], ["used"], {}),
        ("Unsqueeze", ["used", "last"], ["wide"], {}),
        ("Expand", ["wide", "square"], ["mask"], {}),
        *heads,
        ("Attention", ["q2", "k2", "v2", "mask"], ["a0"], {}),
        ("Transpose", ["a0"], ["a1"], {"perm": [0, 2, 1, 3]}),
        ("Reshape", ["a1", "merge"], ["a2"], {"allowzero": 1}),
        ("MatMul", ["a2", "o"], ["a3"], {}),
        ("Add", ["a3", "bias"], ["a4"], {}),
        ("Add", ["a4", "h"], ["a5"], {}),
        ("LayerNormalization", ["a5", "scale", "shift"], ["a6"], {"axis": -1}),
        ("MatMul", ["a6", "up"], ["f0"], {}),
        ("Gelu", ["f0"], ["f1"], {}),
        ("MatMul", ["f1", "down"], ["f2"], {}),
        ("Add", ["f2", "a6"], ["f3"], {}),
        ("Gather", ["f3", "at"], ["first"], {"axis": 1}),
        ("MatMul", ["first", "head"], ["plain"], {}),
        *(TAPPED if tap else [("Tanh", ["plain"], ["logits"], {})]),
    ]  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node(op, inputs, outs, name=f"{op}_{outs[0]}", **more) for op, inputs, outs, more in nodes],
        "encoder",
        [helper.make_tensor_value_info("input", TensorProto.INT64, ["n", "length"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", WIDTH])],
        [
            numpy_helper.from_array(value.astype(np.float32) if value.dtype.kind == "f" else value, name)
            for name, value in constants.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)
    return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)


def computed(model: onnx.ModelProto, name: str, ids: np.ndarray) -> tuple[int, ...]:
    """Return the shape that a tensor has while the model answers."""
    from onnxruntime import InferenceSession

    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    shown.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    session = InferenceSession(shown.SerializeToString(), providers=["CPUExecutionProvider"])
    return tuple(session.run([name], {"input": ids})[0].shape)


def test_one_row_is_computed_where_one_is_read() -> None:
    before = encoder()
    after, records = optimize(before, token_probes(CONTRACT), BASELINE_PASSES)
    assert {record.name: record.rewrites for record in records}["first-token"] == 1
    old, new = (predictor(model.SerializeToString(), threads=1) for model in (before, after))
    for size, length in ((1, 1), (1, 9), (4, 7)):
        ids = np.random.default_rng(size).integers(1, WORDS, (size, length))
        ids[1:, length // 2 :] = 0
        np.testing.assert_allclose(new(ids), old(ids), atol=1e-5)
    rewritten, _ = take_first_token_early(encoder())
    ids = np.ones((2, 9), np.int64)
    shapes = {name: computed(rewritten, name, ids) for name in ("q0", "k0", "a0", "f1", "f3")}
    assert shapes == {
        "q0": (2, 1, WIDTH), "k0": (2, 9, WIDTH), "a0": (2, HEADS, 1, WIDTH // HEADS), "f1": (2, 1, WIDTH),
        "f3": (2, 1, WIDTH),
    }  # fmt: skip


@pytest.mark.parametrize("graph", [encoder(index=1), encoder(tap=True)], ids=["another token", "all tokens are read"])
def test_other_heads_stay(graph: onnx.ModelProto) -> None:
    assert take_first_token_early(graph)[1] == 0
