"""Calibration, bias correction, and what stays float: each against what it is for."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_export.quantize.transforms.bias_correction import correct_biases
from edge_export.quantize.calibration import METHODS, observe
from edge_export.quantize.calibration.interface import BINS, Histogram, Observation
from edge_export.quantize.recipe import Recipe
from edge_export.quantize.static import SESSION, leading_operators, quantize_static
from edge_export.sessions import predictor
from edge_runtime.errors import InputError

SHAPE = (3, 16, 16)
PLAIN = Recipe("plain", "minmax", bias_correction=False)


@pytest.fixture(scope="module")
def network() -> onnx.ModelProto:
    """A depthwise convolution, whose channels differ in size, between two pointwise ones."""
    generator = np.random.default_rng(0)
    weights = {
        "w1": generator.standard_normal((16, 3, 1, 1)),
        "w2": generator.standard_normal((16, 1, 3, 3)) * np.geomspace(0.1, 1, 16).reshape(-1, 1, 1, 1),
        "w3": generator.standard_normal((8, 16, 1, 1)),
        "b1": np.zeros(16), "b2": np.zeros(16), "b3": np.zeros(8),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["ra"], name="relu1"),
        helper.make_node("Conv", ["ra", "w2", "b2"], ["b"], name="depthwise", group=16, pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["b"], ["rb"], name="relu2"),
        helper.make_node("Conv", ["rb", "w3", "b3"], ["y"], name="last"),
    ]
    source = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *SHAPE])
    target = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 8, 16, 16])
    constants = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "g", [source], [target], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return onnx.shape_inference.infer_shapes(model)


def samples(count: int = 16) -> list[np.ndarray]:
    """Pictures with a constant background, on which a shift is the same everywhere."""
    generator = np.random.default_rng(1)
    pictures = np.full((count, *SHAPE), -1.0, np.float32)
    pictures[:, :, 4:8, 4:8] = generator.uniform(-1, 1, (count, 3, 4, 4))
    return list(pictures)


def answers(model: onnx.ModelProto, options=SESSION) -> np.ndarray:
    return predictor(model.SerializeToString(), options=options)(np.stack(samples()))


def test_histograms_hold_every_value_and_their_ends_are_exact(network):
    observation = observe(network, samples)
    seen = np.stack(samples())
    histogram = observation.histograms["x"]
    assert (histogram.low, histogram.high) == (seen.min(), seen.max())
    assert histogram.counts.sum() == seen.size
    expected, _ = np.histogram(seen, BINS, (histogram.low, histogram.high))
    assert np.abs(np.cumsum(histogram.counts) - np.cumsum(expected)).max() <= seen.size * 1e-3
    np.testing.assert_allclose(observation.means["x"], seen.mean(axis=(0, 2, 3)), rtol=1e-5)
    assert observation.samples == 16


def test_methods_on_a_known_distribution():
    counts = np.zeros(BINS, np.int64)
    counts[: BINS // 16] = 1_000_000
    counts[-1] = 1
    observation = Observation({"t": Histogram(0.0, 16.0, counts)}, {}, 1)
    assert METHODS["minmax"](observation)["t"] == (0.0, 16.0)
    assert METHODS["percentile"](observation)["t"] == (0.0, 1.0)
    low, high = METHODS["mse"](observation)["t"]
    assert low == 0.0
    assert 1.0 <= high < 16.0


@pytest.mark.parametrize("method", METHODS)
def test_a_tensor_that_never_changes_is_no_trouble(network, method):
    observation = observe(network, lambda: [np.zeros(SHAPE, np.float32)])
    ranges = METHODS[method](observation)
    assert all(np.isfinite(pair).all() for pair in ranges.values())
    quantized = quantize_static(network, Recipe("constant", method), ranges)
    assert np.isfinite(answers(quantized)).all()


def test_bias_correction_takes_the_shift_out(network):
    observation = observe(network, samples)
    ranges = METHODS["minmax"](observation)
    expected = answers(network)
    plain = quantize_static(network, PLAIN, ranges)
    corrected_network, changed = correct_biases(network, plain, observation.means)
    corrected = quantize_static(corrected_network, PLAIN, ranges)
    assert changed == 3

    def shift(model: onnx.ModelProto) -> float:
        return float(np.abs((answers(model) - expected).mean(axis=(0, 2, 3))).max())

    assert shift(corrected) < 0.5 * shift(plain)
    np.testing.assert_array_equal(answers(network), expected)  # the float model was left as it was


def test_what_is_left_in_float_stays_float(network):
    """Without `SESSION`, ONNX Runtime quantizes the convolution between Q and DQ itself, one scale for all channels."""
    ranges = METHODS["minmax"](observe(network, samples))
    quantized = quantize_static(network, PLAIN, ranges, ["depthwise"])
    as_written = answers(quantized, {"graph_optimization_level": "disabled"})
    step = np.abs(as_written).max() / 255
    assert np.abs(answers(quantized) - as_written).max() <= 2 * step


def test_leading_operators_take_what_lies_between_them(network):
    assert leading_operators(network, 2) == ["first", "relu1", "depthwise", "relu2"]
    assert leading_operators(network, 0) == []


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_sample_that_is_not_finite_is_named(network, value):
    broken = samples()
    broken[2][0, 0, 0] = value
    with pytest.raises(InputError, match="calibration sample 3: tensor x"):
        observe(network, lambda: broken)


def test_no_sample_is_an_error(network):
    with pytest.raises(InputError, match="no calibration sample"):
        observe(network, list)
