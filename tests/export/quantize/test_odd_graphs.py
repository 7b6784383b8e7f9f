"""Graphs and values as exporters and accidents leave them: each gives a right answer, or one clear line."""

import itertools
import math

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_export.quantize import RECIPES, Recipe, make_quantized, observe, quantizable_operators
from edge_export.quantize.calibration import METHODS
from edge_export.quantize.prepare import prepare
from edge_runtime.errors import InputError

GENERATOR = np.random.default_rng(0)
BATCH = GENERATOR.standard_normal((16, 4, 8, 8)).astype(np.float32)
W = GENERATOR.standard_normal((4, 4, 3, 3)).astype(np.float32)
B = GENERATOR.standard_normal(4).astype(np.float32)


def conv(source, target, weights="w", bias="b", **attributes):
    names = [source, weights, *([bias] if bias else [])]
    return helper.make_node("Conv", names, [target], name=f"conv-{target}", pads=[1, 1, 1, 1], **attributes)


def constant(name, value):
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(value, np.float32), name))


def first(factor):
    """Scale the first output channel."""
    return np.float32([factor, 1, 1, 1]).reshape(-1, 1, 1, 1)


SAME = (4, 8, 8)
PLAIN = {"w": W, "b": B}
GRAPHS = {
    "bias missing": ([conv("x", "y", bias=None)], {"w": W}, SAME),
    "bias of zeros": ([conv("x", "y")], {"w": W, "b": 0 * B}, SAME),
    "weights shared by two": ([conv("x", "a"), helper.make_node("Relu", ["a"], ["r"]), conv("r", "y")], PLAIN, SAME),
    "weights all zero": ([conv("x", "y")], {"w": 0 * W, "b": B}, SAME),
    "one channel of weights zero": ([conv("x", "y")], {"w": W * first(0), "b": B}, SAME),
    "one channel of weights tiny": ([conv("x", "y")], {"w": W * first(1e-20), "b": B}, SAME),
    "grouped": ([conv("x", "y", group=2)], {"w": W[:, :2], "b": B}, SAME),
    "depthwise": ([conv("x", "y", group=4)], {"w": W[:, :1], "b": B}, SAME),
    "transposed": ([helper.make_node("ConvTranspose", ["x", "w", "b"], ["y"], pads=[1, 1, 1, 1])], PLAIN, SAME),
    "transposed, fewer channels": (
        [helper.make_node("ConvTranspose", ["x", "w", "b"], ["y"], pads=[1, 1, 1, 1], group=2)],
        {"w": W[:, :1], "b": B[:2]},
        (2, 8, 8),
    ),
    "one dimension": (
        [
            helper.make_node("Reshape", ["x", "shape"], ["r"]),
            helper.make_node("Conv", ["r", "w", "b"], ["y"], pads=[1, 1]),
        ],
        {"w": W[..., 0], "b": B, "shape": np.int64([0, 4, 64])},
        (4, 64),
    ),
    "weights in Constant nodes": ([constant("w", W), constant("b", B), conv("x", "y")], {}, SAME),
    "weights behind Identity": (
        [helper.make_node("Identity", ["w0"], ["w"]), helper.make_node("Identity", ["b0"], ["b"]), conv("x", "y")],
        {"w0": W, "b0": B},
        SAME,
    ),
    "lists of one number, as Paddle writes them": (
        [
            conv("x", "a"),
            helper.make_node("Add", ["a", "three"], ["c"]),
            helper.make_node("Clip", ["c", "zero", "six"], ["d"]),
            helper.make_node("Mul", ["a", "d"], ["y"]),
        ],
        PLAIN | {"three": np.float32([3]), "zero": np.float32([0]), "six": np.float32([6])},
        SAME,
    ),
    "nodes without names": (
        [helper.make_node("Conv", ["x", "w", "b"], ["a"], pads=[1] * 4), helper.make_node("Conv", ["a", "v"], ["y"])],
        PLAIN | {"v": W[:, :, 1:2, 1:2]},
        SAME,
    ),
    "activation always zero": (
        [conv("x", "a"), helper.make_node("Mul", ["a", "zero"], ["z"]), conv("z", "y", bias="c")],
        PLAIN | {"zero": np.float32(0), "c": B * 1e-3},
        SAME,
    ),
    "activation constant": (
        [conv("x", "a"), helper.make_node("Clip", ["a", "top", "top"], ["c"]), conv("c", "y")],
        PLAIN | {"top": np.float32(3)},
        SAME,
    ),
    "Clip to zero": (
        [conv("x", "a"), helper.make_node("Clip", ["a", "zero", "zero"], ["c"]), conv("c", "y")],
        PLAIN | {"zero": np.float32(0)},
        SAME,
    ),
    "Relu that never opens": (
        [conv("x", "a", bias="down"), helper.make_node("Relu", ["a"], ["c"]), conv("c", "y")],
        PLAIN | {"down": np.full(4, -1e3)},
        SAME,
    ),
    "activations tiny": (
        [helper.make_node("Mul", ["x", "small"], ["s"]), conv("s", "y", bias="c")],
        PLAIN | {"small": np.float32(1e-12), "c": B * 1e-12},
        SAME,
    ),
    "no compute operator": ([helper.make_node("Relu", ["x"], ["y"])], {}, SAME),
    "MatMul with 3-D weights": (
        [helper.make_node("MatMul", ["x", "w"], ["y"], name="product")],
        {"w": GENERATOR.standard_normal((4, 8, 5))},
        (4, 8, 5),
    ),
    "MatMul of two activations": ([helper.make_node("MatMul", ["x", "x"], ["y"], name="product")], {}, SAME),
    **{
        f"Gemm, transB={turned}, {'bias' if bias else 'no bias'}": (
            [
                helper.make_node("Flatten", ["x"], ["f"]),
                helper.make_node("Gemm", ["f", "w", *bias], ["y"], transB=turned, name="gemm"),
            ],
            {"w": GENERATOR.standard_normal((6, 256) if turned else (256, 6)), "b": np.ones(6)},
            (6,),
        )
        for turned, bias in itertools.product((0, 1), ((), ("b",)))
    },
    "Gemm, scaled": (
        [
            helper.make_node("Flatten", ["x"], ["f"]),
            helper.make_node("Gemm", ["f", "w", "b"], ["y"], transB=1, alpha=0.5, beta=3.0, name="gemm"),
        ],
        {"w": GENERATOR.standard_normal((6, 256)), "b": np.ones(6)},
        (6,),
    ),
}  # fmt: skip


@pytest.fixture
def graph(request, build) -> onnx.ModelProto:
    nodes, constants, target = GRAPHS[request.param]
    model = build(nodes, {}, SAME, target)
    for name, value in constants.items():
        kind = np.int64 if np.asarray(value).dtype == np.int64 else np.float32
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value, kind), name))
    onnx.checker.check_model(model)
    return model


@pytest.mark.parametrize("graph", GRAPHS, indirect=True)
@pytest.mark.parametrize(
    "recipe",
    [
        Recipe("u8s8"), Recipe("s8s8", activations="int8"), Recipe("u8u8", weights="uint8"),
        Recipe("mse", calibration="mse"), Recipe("equalize", equalize=True),
        Recipe("tensor", per_channel=False, bias_correction="off"),
        Recipe("dynamic", kind="dynamic", smooth_quant=0.5),
    ],
    ids=lambda recipe: recipe.name,
)  # fmt: skip
def test_odd_graphs_answer_as_they_should(graph, recipe, answers):
    observation = observe(graph, lambda: BATCH)
    expected = answers(graph, BATCH)
    made = make_quantized(graph, recipe, observation)
    found = answers(made.model, BATCH, made.session)
    # Within a few steps of 8 bits.
    assert np.abs(found - expected).max() <= 0.04 * np.abs(expected).max() + 1e-30
    again = make_quantized(graph, recipe, observation)
    assert made.model.SerializeToString(deterministic=True) == again.model.SerializeToString(deterministic=True)
    assert set(quantizable_operators(graph, recipe)) <= {node.name for node in prepare(graph).model.graph.node}


@pytest.mark.parametrize("value", [0.0, 2.5, -1e30, 1e-38])
@pytest.mark.parametrize("method", METHODS)
def test_samples_that_never_change_are_no_trouble(network, answers, value, method):
    samples = [np.full((3, 16, 16), value, np.float32)] * 2
    observation = observe(network, lambda: samples)
    made = make_quantized(network, Recipe("constant", calibration=method), observation)
    found = answers(made.model, np.stack(samples), made.session)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("where", ["w2", "b2"])
def test_a_weight_that_is_not_finite_is_named(network, value, where):
    model = onnx.ModelProto()
    model.CopyFrom(network)
    tensor = next(one for one in model.graph.initializer if one.name == where)
    values = numpy_helper.to_array(tensor).copy()
    values.flat[3] = value
    tensor.CopyFrom(numpy_helper.from_array(values, where))
    line = f"weight {where} of depthwise holds 1 values that are NaN or infinite"
    for recipe in (RECIPES["minmax"], Recipe("dynamic", kind="dynamic")):
        with pytest.raises(InputError, match=line):
            make_quantized(model, recipe, None)
    with pytest.raises(InputError, match=line):
        observe(model, list)


@pytest.mark.parametrize("weights", ["int8", "uint8"])
def test_a_dead_channel_keeps_its_bias(build, answers, weights):
    """Its scale is so fine that the bias, in steps of it, would not fit into 32 bits."""
    model = build([conv("x", "y")], {"w": W * first(1e-20), "b": [3, 1, 1, 1]}, SAME, SAME)
    made = make_quantized(model, Recipe("r", weights=weights), observe(model, lambda: BATCH))
    np.testing.assert_allclose(answers(made.model, BATCH, made.session)[:, 0], 3.0, atol=0.1)


def test_a_network_that_overflows_is_named(build):
    model = build([conv("x", "y")], {"w": W * 1e30, "b": B}, SAME, SAME)
    with pytest.raises(InputError, match="calibration sample 1: tensor y is NaN or infinite"):
        observe(model, lambda: [BATCH[0] * 1e30])


def branching(kind: str) -> onnx.ModelProto:
    """A convolution, then a branch whose bodies read its output and its weights."""
    body = [
        helper.make_graph(
            [
                helper.make_node("Conv", ["r", "w", "b"], [f"{name}0"], pads=[1] * 4),
                helper.make_node(op, [f"{name}0"], [name]),
            ],
            name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)],
        )
        for name, op in (("yes", "Relu"), ("no", "Neg"))
    ]  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["a"], name="outer", pads=[1] * 4),
        helper.make_node("Relu", ["a"], ["r"], name="relu"),
        helper.make_node("ReduceSum", ["x"], ["s"], keepdims=0),
        helper.make_node("Less", ["s", "zero"], ["c"]),
        helper.make_node("If", ["c"], ["y"], name="branch", then_branch=body[0], else_branch=body[1]),
    ]
    if kind == "Loop":
        step = helper.make_graph(
            [
                helper.make_node("Conv", ["v", "w", "b"], ["v0"], pads=[1] * 4),
                helper.make_node("Tanh", ["v0"], ["v1"]),
                helper.make_node("Identity", ["go"], ["on"]),
            ],
            "step",
            [
                helper.make_tensor_value_info("i", TensorProto.INT64, []),
                helper.make_tensor_value_info("go", TensorProto.BOOL, []),
                helper.make_tensor_value_info("v", TensorProto.FLOAT, None),
            ],
            [
                helper.make_tensor_value_info("on", TensorProto.BOOL, []),
                helper.make_tensor_value_info("v1", TensorProto.FLOAT, None),
            ],
        )
        nodes[-3:] = [helper.make_node("Loop", ["two", "", "r"], ["y"], name="loop", body=step)]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *SAME])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", *SAME])],
        [
            numpy_helper.from_array(W / 10, "w"),
            numpy_helper.from_array(B, "b"),
            numpy_helper.from_array(np.float32(0), "zero"),
            numpy_helper.from_array(np.int64(2), "two"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


@pytest.mark.parametrize("kind", ["If", "Loop"])
@pytest.mark.parametrize("recipe", [Recipe("static", equalize=True), Recipe("dynamic", kind="dynamic")])
def test_bodies_stay_in_float_and_that_is_said(kind, recipe, answers):
    model = branching(kind)
    onnx.checker.check_model(model)
    made = make_quantized(model, recipe, observe(model, lambda: BATCH))
    inside = 2 if kind == "If" else 1
    name = {"If": "If branch", "Loop": "Loop loop"}[kind]
    assert f"{name}: the {inside} compute operators in its body stay in float" in made.notes
    for batch in (BATCH, -BATCH):
        expected = answers(model, batch)
        assert np.abs(answers(made.model, batch, made.session) - expected).max() <= 0.05 * np.abs(expected).max()
    if recipe.kind == "static":
        assert any(node.op_type == "QuantizeLinear" for node in made.model.graph.node)


def test_a_mask_keeps_its_neighbors_in_float(build, answers):
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], name="in"),
        helper.make_node("MatMul", ["h", "x"], ["s"], name="scores"),
        helper.make_node("Add", ["s", "mask"], ["masked"], name="mask"),
        helper.make_node("Softmax", ["masked"], ["p"], name="softmax"),
        helper.make_node("MatMul", ["p", "w"], ["y"], name="out"),
    ]
    mask = np.zeros((8, 8))
    mask[:, 5] = -np.inf
    model = build(nodes, {"w": GENERATOR.standard_normal((8, 8)) / 3, "mask": mask}, SAME, SAME)
    made = make_quantized(model, RECIPES["minmax"], observe(model, lambda: BATCH))
    expected = answers(model, BATCH)
    found = answers(made.model, BATCH, made.session)
    assert np.isfinite(found).all()
    assert np.abs(found - expected).max() <= 0.1 * np.abs(expected).max()


def test_old_opsets_are_converted_and_quantized_models_refused(build, network, answers):
    old = build([conv("x", "y")], PLAIN, SAME, SAME, opset=11)
    made = make_quantized(old, RECIPES["minmax"], observe(old, lambda: BATCH))
    expected = answers(old, BATCH)
    assert np.abs(answers(made.model, BATCH, made.session) - expected).max() <= 0.04 * np.abs(expected).max()
    with pytest.raises(InputError, match="the model is quantized already; give the float32 model"):
        make_quantized(made.model, RECIPES["minmax"], None)


def test_preparing_twice_changes_nothing(network, digit_network):
    for model in (network, digit_network, branching("If")):
        once = prepare(model).model
        assert prepare(once).model.SerializeToString(deterministic=True) == once.SerializeToString(deterministic=True)
