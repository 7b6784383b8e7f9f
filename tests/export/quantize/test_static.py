"""Static quantization: what it keeps, what it corrects and what it leaves in float."""

import numpy as np
import onnx
import pytest

from edge_export.quantize.calibration import METHODS, find_ranges, observe
from edge_export.quantize.prepare import prepare
from edge_export.quantize.recipe import Recipe
from edge_export.quantize.static import SESSION, quantize_static
from edge_export.quantize.transforms.bias_correction import correct_biases
from edge_export.sessions import predictor

SHAPE = (3, 16, 16)
PLAIN = Recipe("plain", "minmax", bias_correction="off")


def samples(count: int = 16) -> list[np.ndarray]:
    """Pictures with a constant background, on which a shift is the same everywhere."""
    generator = np.random.default_rng(1)
    pictures = np.full((count, *SHAPE), -1.0, np.float32)
    pictures[:, :, 4:8, 4:8] = generator.uniform(-1, 1, (count, 3, 4, 4))
    return list(pictures)


def answers(model: onnx.ModelProto, options=SESSION) -> np.ndarray:
    return predictor(model.SerializeToString(), options=options)(np.stack(samples()))


@pytest.mark.parametrize("method", METHODS)
def test_a_tensor_that_never_changes_is_no_trouble(network, method):
    observation = observe(network, lambda: [np.zeros(SHAPE, np.float32)])
    ranges = find_ranges(observation.histograms, method)
    assert all(np.isfinite(pair).all() for pair in ranges.values())
    quantized = quantize_static(prepare(network).model, Recipe("constant", method), ranges)
    assert np.isfinite(answers(quantized)).all()


def test_bias_correction_takes_the_shift_out(network):
    observation = observe(network, samples)
    ranges = find_ranges(observation.histograms, "minmax")
    expected = answers(network)
    plain = quantize_static(prepare(network).model, PLAIN, ranges)
    corrected_network, changed = correct_biases(prepare(network).model, plain, observation.means)
    corrected = quantize_static(corrected_network, PLAIN, ranges)
    assert [node.name for node in changed] == ["first", "depthwise", "last"]

    def shift(model: onnx.ModelProto) -> float:
        return float(np.abs((answers(model) - expected).mean(axis=(0, 2, 3))).max())

    assert shift(corrected) < 0.5 * shift(plain)
    np.testing.assert_array_equal(answers(network), expected)  # the float model was left as it was


def test_what_is_left_in_float_stays_float(network):
    """Without `SESSION`, ONNX Runtime quantizes the convolution between Q and DQ itself, one scale for all channels."""
    ranges = find_ranges(observe(network, samples).histograms, "minmax")
    quantized = quantize_static(prepare(network).model, PLAIN, ranges, ["depthwise"])
    as_written = answers(quantized, {"graph_optimization_level": "disabled"})
    step = np.abs(as_written).max() / 255
    assert np.abs(answers(quantized) - as_written).max() <= 2 * step
