"""Feed-forward networks in codes answer nearly as in float, each row by itself, and run without a transposition."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edge_export.graphs.coverage import executed_kinds, measure_coverage
from edge_export.quantize import Quantized, Recipe, make_quantized, observe

WIDTH, INNER, LENGTH = 16, 48, 7
CODES = Recipe("r", kind="fixed", feed_forward="codes")
Make = Callable[..., onnx.ModelProto]


@pytest.fixture(scope="module")
def make_network(build) -> Make:
    """Two products with GELU between them, with the addition that a layer normalization would follow."""

    def make(bias: bool = True, flat: bool = False, tap: bool = False) -> onnx.ModelProto:
        generator = np.random.default_rng(0)
        constants = {
            "up": generator.standard_normal((WIDTH, INNER)) / 2 * np.geomspace(0.2, 1, INNER),
            "down": generator.standard_normal((INNER, WIDTH)) / 4,
            "up_bias": generator.standard_normal(INNER) if bias else np.zeros(1),
            "down_bias": generator.standard_normal(WIDTH) if bias else np.zeros(1),
        }
        nodes = [
            helper.make_node("MatMul", ["x", "up"], ["wide"], name="first"),
            helper.make_node("Add", ["wide", "up_bias"], ["shifted"], name="first_bias"),
            helper.make_node("Gelu", ["shifted"], ["bent"], name="gelu"),
            helper.make_node("MatMul", ["bent", "down"], ["narrow"], name="second"),
            helper.make_node("Add", ["narrow", "down_bias"], ["moved"], name="second_bias"),
            helper.make_node("Add", ["moved", "x"], ["sum"], name="rest"),
        ]
        if tap:
            nodes += [
                helper.make_node("ReduceMax", ["bent"], ["most"], name="most"),
                helper.make_node("Add", ["sum", "most"], ["y"], name="tapped"),
            ]
        else:
            nodes.append(helper.make_node("Identity", ["sum"], ["y"], name="end"))
        if not bias:
            del nodes[4], nodes[1]
            nodes[1].input[0], nodes[3].input[0] = "wide", "narrow"
        side = [] if flat else ["length"]
        return build(nodes, {name: value for name, value in constants.items() if value.size > 1},
                     [*side, WIDTH], [*side, WIDTH], opset=20)  # fmt: skip

    return make


def rows(seed: int, size: int, length: int = LENGTH) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((size, length, WIDTH), dtype=np.float32)


def in_codes(network: onnx.ModelProto, recipe: Recipe = CODES) -> Quantized:
    flat = len(network.graph.input[0].type.tensor_type.shape.dim) == 2
    return make_quantized(network, recipe, observe(network, lambda: [one[0] if flat else one for one in rows(1, 64)]))


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_codes_answer_nearly_as_floats_and_each_text_by_itself(make_network, answers, per_channel, bias):
    network = make_network(bias)
    made = in_codes(network, Recipe("r", kind="fixed", per_channel=per_channel, feed_forward="codes"))
    onnx.checker.check_model(made.model)
    plain = in_codes(network, Recipe("r", kind="fixed", per_channel=per_channel))
    assert made.notes == ("1 feed-forward networks have x * sigmoid(1.702 x) in place of GELU, on codes",)
    assert not plain.notes
    for size, length in ((1, 1), (2, LENGTH), (5, 31)):
        batch = rows(size, size, length)
        expected, seen = answers(network, batch), answers(made.model, batch)
        spread = float(np.abs(expected - batch).max())
        assert np.abs(seen - expected).max() < 0.06 * spread
        alone = np.concatenate([answers(made.model, one[None]) for one in batch])
        np.testing.assert_array_equal(seen, alone)


def test_both_products_run_in_int8_and_nothing_is_transposed(make_network):
    network = make_network()
    made = in_codes(network)
    kinds = executed_kinds(made.model.SerializeToString(), made.session)
    assert {"QLinearConv", "QLinearSigmoid", "QLinearMul"} <= kinds
    assert not {"Transpose", "Gelu"} & kinds
    coverage = measure_coverage(made.model, made.session, onnx.shape_inference.infer_shapes(network))
    assert [one.name for one in coverage.operators if not one.reason] == ["first", "second"]


@pytest.mark.parametrize(
    ("options", "in_float"),
    [({"flat": True}, ()), ({"tap": True}, ()), ({}, ("first",)), ({}, ("second",))],
    ids=["two dimensions", "GELU is read elsewhere", "first in float", "second in float"],
)
def test_other_networks_stay(make_network, options, in_float):
    made = in_codes(make_network(**options), Recipe("r", kind="fixed", feed_forward="codes", float_operators=in_float))
    assert "QLinearConv" not in {node.op_type for node in made.model.graph.node}
    assert not made.notes


def test_dimensions_that_the_file_does_not_say_are_found(make_network):
    """ONNX infers nothing behind an operator of ONNX Runtime's own domain, as other exporters' attention is."""
    network = make_network()
    network.graph.node.insert(0, helper.make_node("QuickGelu", ["x"], ["seen"], name="own", domain="com.microsoft"))
    network.graph.node[1].input[0] = "seen"
    between = [name for node in network.graph.node[:-1] for name in node.output]
    network.graph.value_info.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in between)
    assert "QLinearConv" in {node.op_type for node in in_codes(network).model.graph.node}


def test_what_gelu_makes_nothing_of_costs_no_codes(make_network, answers):
    network = make_network()
    bias = next(one for one in network.graph.initializer if one.name == "up_bias")
    values = onnx.numpy_helper.to_array(bias).copy()
    values[:4] = -200
    bias.CopyFrom(onnx.numpy_helper.from_array(values, "up_bias"))
    batch = rows(3, 4)
    expected = answers(network, batch)
    seen = answers(in_codes(network).model, batch)
    assert np.abs(seen - expected).max() < 0.06 * np.abs(expected - batch).max()
