"""Changes to the float graph: what it answers stays, what int8 loses shrinks."""

import itertools

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from edge_export.quantize import Recipe, make_quantized, observe
from edge_export.quantize.prepare import prepare
from edge_export.quantize.transforms import check, equalization
from edge_export.quantize.transforms.equalization import equalize
from edge_export.quantize.transforms.smooth_quant import smooth
from edge_runtime.errors import InputError, RefusedError

PER_TENSOR = Recipe("per-tensor", per_channel=False, bias_correction="off")


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((8, 3, 16, 16)).astype(np.float32)


def unbalanced(network: onnx.ModelProto, activation: str = "Relu") -> onnx.ModelProto:
    """Give the channels of each weight ranges from 1 to 1,000, undone by the next, as training leaves them."""
    model = onnx.ModelProto()
    model.CopyFrom(network)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for first, second, axis in (("w1", "w2", 0), ("w2", "w3", 1)):
        scale = np.random.default_rng(0).permutation(np.geomspace(1, 1000, 16)).astype(np.float32)
        for name, factor, along in ((first, scale, 0), (second, 1 / scale, axis)):
            values = numpy_helper.to_array(constants[name])
            shape = [1] * 4
            shape[along] = -1
            constants[name].CopyFrom(numpy_helper.from_array(values * factor.reshape(shape), name))
    for node in model.graph.node:
        if node.op_type == "Relu":
            node.op_type = activation
            if activation == "Clip":
                node.input.extend(["zero", "six"])
    if activation == "Clip":
        model.graph.initializer.extend(
            numpy_helper.from_array(np.array(value, np.float32), name) for name, value in (("zero", 0), ("six", 6))
        )
    return model


def test_equalization_keeps_the_function_and_mends_one_scale_for_all(network, pictures, answers, error_of):
    model = unbalanced(network)
    changed, pairs = equalize(prepare(model).model, {"x": pictures[:1]})
    assert pairs == 2
    np.testing.assert_allclose(answers(changed, pictures), answers(model, pictures), rtol=1e-3, atol=1e-4)
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in changed.graph.initializer}
    ranges = [np.abs(weights[name]).max(axis=axes) for name, axes in (("w2", (1, 2, 3)), ("w3", (0, 2, 3)))]
    np.testing.assert_allclose(ranges[0], ranges[1], rtol=0.05)
    observation = observe(model, lambda: pictures)
    equalized = Recipe("equalized", per_channel=False, bias_correction="off", equalize=True)
    assert error_of(model, equalized, observation, pictures) < 0.2 * error_of(model, PER_TENSOR, observation, pictures)
    assert make_quantized(model, equalized, observation).notes == ("equalized 2 pairs of convolutions",)


def test_a_changed_graph_is_observed_on_the_samples_of_the_first(network, build):
    """However long it would take to settle: a stored recipe knows one number."""
    model = unbalanced(network)
    samples = list(np.random.default_rng(2).uniform(-4, 4, (200, 3, 16, 16)).astype(np.float32))
    samples[40][0, 0, 0] = 4.5  # little for one graph, all for the other
    observation = observe(model, lambda: samples)
    assert observation.samples == 64
    recipe = Recipe("equalized", equalize=True)
    again = observe(model, lambda: samples[: observation.samples], until=())
    made, remade = (make_quantized(model, recipe, seen).model for seen in (observation, again))
    assert made.SerializeToString(deterministic=True) == remade.SerializeToString(deterministic=True)
    assert observation.observe_again is not None
    nodes = [helper.make_node("Sub", ["x", "four"], ["d"]), helper.make_node("Relu", ["d"], ["y"])]
    wild = build(nodes, {"four": 4.0}, (3, 16, 16), (3, 16, 16))
    assert observe(wild, lambda: samples).samples > observation.samples
    assert observation.observe_again(wild).samples == observation.samples


def test_equalization_keeps_away_from_what_it_would_change(network, build):
    assert equalize(prepare(unbalanced(network, "Clip")).model, {})[1] == 0
    assert equalize(prepare(unbalanced(network, "Sigmoid")).model, {})[1] == 0
    constants = {"w": np.ones((4, 4, 1, 1)), "v": np.ones((4, 4, 1, 1))}
    shared = [helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("Conv", ["a", "w"], ["y"])]
    branched = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("Conv", ["a", "v"], ["b"]),
        helper.make_node("Add", ["a", "b"], ["y"]),
    ]
    for nodes in (shared, branched):
        assert equalize(prepare(build(nodes, constants, (4, 4, 4), (4, 4, 4))).model, {})[1] == 0


def test_a_grouped_convolution_is_equalized_group_by_group(build, answers):
    generator = np.random.default_rng(0)
    constants = {
        "w": generator.standard_normal((8, 4, 1, 1)) * np.geomspace(1, 100, 8).reshape(-1, 1, 1, 1),
        "v": generator.standard_normal((6, 4, 3, 3)),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("LeakyRelu", ["a"], ["r"], alpha=0.1),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2]),
        helper.make_node("Conv", ["p", "v"], ["y"], group=2),
    ]
    model = build(nodes, constants, (4, 8, 8), (6, 5, 5))
    batch = generator.standard_normal((2, 4, 8, 8)).astype(np.float32)
    changed, pairs = equalize(prepare(model).model, {"x": batch})
    assert pairs == 1
    np.testing.assert_allclose(answers(changed, batch), answers(model, batch), rtol=1e-4, atol=1e-3)


def test_a_transform_that_changes_an_answer_is_refused(network, pictures, monkeypatch):
    monkeypatch.setattr(equalization, "HOMOGENEOUS", equalization.HOMOGENEOUS | {"Sigmoid"})
    with pytest.raises(RefusedError, match="equalize changed an output"):
        equalize(prepare(unbalanced(network, "Sigmoid")).model, {"x": pictures[:1]})
    assert check.check_same("same", network, network, {"x": pictures}) == 0.0


def transformer(build, written_out: bool, residual: bool) -> onnx.ModelProto:
    """LayerNorm, two products of its output, and a residual; two channels are outliers, as in BERT."""
    generator = np.random.default_rng(0)
    gain = np.ones(16)
    gain[[3, 7]] = 60.0
    constants = {
        "gain": gain, "offset": generator.standard_normal(16), "one": np.ones(16), "zero": np.zeros(16),
        "wq": generator.standard_normal((16, 16)) / 4, "wk": generator.standard_normal((16, 16)) / 4,
        "bq": generator.standard_normal(16),
    }  # fmt: skip
    norm = (
        [
            helper.make_node("LayerNormalization", ["x", "one", "zero"], ["z"]),
            helper.make_node("Mul", ["z", "gain"], ["g"]),
            helper.make_node("Add", ["g", "offset"], ["h"]),
        ]
        if written_out
        else [helper.make_node("LayerNormalization", ["x", "gain", "offset"], ["h"], name="norm")]
    )
    nodes = [
        *norm,
        helper.make_node("MatMul", ["h", "wq"], ["q0"], name="q"),
        helper.make_node("Add", ["q0", "bq"], ["q1"], name="bias"),
        helper.make_node("MatMul", ["h", "wk"], ["k"], name="k"),
        helper.make_node("Mul", ["q1", "k"], ["m"], name="gate"),
        helper.make_node("Add", ["m", "h" if residual else "m"], ["y"], name="sum"),
    ]
    return build(nodes, constants, (5, 16), (5, 16))


@pytest.mark.parametrize("written_out", [False, True])
@pytest.mark.parametrize("residual", [False, True])
def test_smooth_quant_keeps_the_function_and_evens_out_the_channels(build, answers, written_out, residual):
    model = transformer(build, written_out, residual)
    samples = list(np.random.default_rng(1).standard_normal((40, 5, 16)).astype(np.float32))
    observation = observe(model, lambda: samples)
    before = prepare(model).model
    changed, products = smooth(before, observation.peaks, 0.5, {"x": samples[0][None]})
    assert products == 2
    # It costs a node only where the normalization's output is read elsewhere.
    assert len(changed.graph.node) == len(before.graph.node) + residual
    expected = answers(model, np.stack(samples))
    np.testing.assert_allclose(answers(changed, np.stack(samples)), expected, atol=1e-4 * np.abs(expected).max())
    peaks = observe(changed, lambda: samples).peaks
    smoothed = peaks["h_smoothed" if residual else "h"]
    assert smoothed.max() / smoothed.min() < 0.3 * observation.peaks["h"].max() / observation.peaks["h"].min()


def test_smooth_quant_moves_outliers_into_a_gain_of_one_number(build):
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Mul", ["r", "half"], ["h"]),
        helper.make_node("MatMul", ["h", "w"], ["y"], name="p"),
    ]
    weights = np.random.default_rng(0).standard_normal((16, 16))
    model = prepare(build(nodes, {"half": 0.5, "w": weights}, (5, 16), (5, 16))).model
    batch = np.ones((1, 5, 16), np.float32)
    changed, products = smooth(model, {"h": np.geomspace(1, 100, 16).astype(np.float32)}, 0.5, {"x": batch})
    assert (products, len(changed.graph.node)) == (1, 3)


@pytest.mark.parametrize("kind", ["static", "dynamic"])
def test_smooth_quant_makes_int8_transformers_better(build, error_of, kind):
    model = transformer(build, False, False)
    samples = list(np.random.default_rng(1).standard_normal((40, 5, 16)).astype(np.float32))
    observation = observe(model, lambda: samples)
    plain, smoothed = Recipe("plain", kind=kind), Recipe("smoothed", kind=kind, smooth_quant=0.5)
    errors = [error_of(model, recipe, observation, np.stack(samples)) for recipe in (plain, smoothed)]
    assert errors[1] < 0.8 * errors[0]
    if kind == "dynamic":
        with pytest.raises(InputError, match="recipe smoothed: it needs calibration samples"):
            make_quantized(model, smoothed, None)


# A MatMul's bias is an Add between two 8-bit tensors, which rounds away what is below their step: by channel, all.
@pytest.mark.parametrize(
    ("kind", "per_channel"),
    [*itertools.product(["Conv", "Gemm", "Gemm-turned"], [True, False]), ("MatMul", False)],
)
@pytest.mark.parametrize("weights", ["int8", "uint8"])
def test_bias_correction_takes_the_shift_out_of_every_kind(build, answers, kind, weights, per_channel):
    generator = np.random.default_rng(0)
    values = generator.standard_normal((16, 8))
    values[0, 0] = 12.0  # coarse steps
    product = {
        "Conv": helper.make_node("Conv", ["x", "w"], ["y"], name="product"),
        "Gemm": helper.make_node("Gemm", ["x", "w", "b"], ["y"], name="product", transB=1),
        "Gemm-turned": helper.make_node("Gemm", ["x", "w", "b"], ["y"], name="product"),
        "MatMul": helper.make_node("MatMul", ["x", "w"], ["m"], name="product"),
    }[kind]
    nodes = [product, helper.make_node("Add", ["m", "b"], ["y"])] if kind == "MatMul" else [product]
    picture = kind == "Conv"
    turned = kind in ("Gemm-turned", "MatMul")
    constants = {"w": values.reshape(16, 8, 1, 1) if picture else values.T if turned else values}
    constants |= {} if picture else {"b": np.zeros(16)}
    model = build(nodes, constants, (8, 3, 3) if picture else (8,), (16, 3, 3) if picture else (16,))
    # All channels far from zero, so that what rounding adds does not average out.
    shape = (64, 8, 3, 3) if picture else (64, 8)
    batch = (generator.standard_normal(shape) * 0.1 + generator.uniform(1, 3, (8, 1, 1) if picture else 8)).astype("f4")
    observation = observe(model, lambda: batch)

    def shift(correction: str) -> float:
        recipe = Recipe("r", weights=weights, per_channel=per_channel, bias_correction=correction)
        made = make_quantized(model, recipe, observation)
        difference = answers(made.model, batch, made.session) - answers(model, batch)
        return float(np.abs(np.moveaxis(difference, 1, -1).reshape(-1, 16).mean(axis=0)).max())

    assert shift("weights") < 0.6 * shift("off")
