"""What calibration sees, against ONNX Runtime's own calibrators and against what it was fed."""

import contextlib
import io

import numpy as np
import onnx
import pytest
from onnx import helper
from onnxruntime.quantization.calibrate import (
    CalibrationDataReader,
    EntropyCalibrater,
    MinMaxCalibrater,
    PercentileCalibrater,
)

from edge_export.quantize.calibration import METHODS, Histogram, Observation, find_ranges, observe, settled_ranges
from edge_export.quantize.calibration.tally import Tally
from edge_runtime.errors import InputError

BINS = 2048
ORT = {
    "minmax": (MinMaxCalibrater, {}),
    "percentile": (PercentileCalibrater, {"num_bins": BINS, "percentile": 99.9}),
    # Its Python loops take most of a second for each tensor: two are enough.
    "entropy": (EntropyCalibrater, {"num_bins": BINS, "num_quantized_bins": 128, "op_types_to_calibrate": ["Relu"]}),
}


class Reader(CalibrationDataReader):
    def __init__(self, samples):
        self.samples = iter(samples)

    def get_next(self):
        return next(({"x": sample[None]} for sample in self.samples), None)


@pytest.mark.parametrize("method", ORT)
def test_ranges_equal_those_of_onnxruntime_to_within_a_bin(digit_network, digits, tmp_path, method):
    kind, options = ORT[method]
    path = tmp_path / "model.onnx"
    onnx.save(onnx.shape_inference.infer_shapes(digit_network), path)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints
        calibrater = kind(path, augmented_model_path=str(tmp_path / "augmented.onnx"), **options)
        calibrater.augment_graph()
        calibrater.create_inference_session()
        calibrater.collect_data(Reader(digits))
        theirs = calibrater.compute_data()
    observation = observe(digit_network, lambda: digits, until=())
    ours = settled_ranges(observation, method, 99.9)
    assert observation.samples == len(digits)
    for name in {"a", "ra"} if method == "entropy" else {"x", "a", "ra", "f", "y"}:
        seen = observation.histograms[name]
        bin_width = 2 * max(-seen.low, seen.high) / BINS
        expected = [float(np.ravel(end)[0]) for end in theirs[name].range_value]
        np.testing.assert_allclose(
            ours[name], expected, atol=0 if method == "minmax" else bin_width * 1.0001, rtol=1e-6
        )


def test_a_histogram_holds_every_value_whatever_comes_first():
    generator = np.random.default_rng(0)
    parts = [generator.standard_normal(1000).astype(np.float32) * scale for scale in (1e-3, 7.0, 0.0, 1e4, 1e-30)]
    values = np.concatenate(parts)
    for order in (parts, parts[::-1]):
        tally = Tally()
        assert all(tally.add(part) for part in order)
        found = tally.histogram()
        assert (found.low, found.high, found.counts.sum()) == (values.min(), values.max(), values.size)
        edges = (found.start + np.arange(len(found.counts) + 1)) * found.width
        np.testing.assert_array_equal(found.counts, np.histogram(values, edges)[0])


def test_means_and_peaks_are_those_of_the_channels(network, digit_network, digits):
    seen = np.random.default_rng(0).standard_normal((8, 3, 16, 16)).astype(np.float32)
    observation = observe(network, lambda: seen)
    np.testing.assert_allclose(observation.means["x"], seen.mean(axis=(0, 2, 3)), rtol=1e-4)
    assert observation.peaks == {}
    observation = observe(digit_network, lambda: digits, until=())
    assert observation.peaks["f"].shape == (384,)
    assert observation.peaks["f"].max() == np.float32(observation.histograms["f"].high)


def test_methods_on_a_known_distribution():
    counts = np.zeros(BINS, np.int64)
    counts[: BINS // 16] = 1_000_000
    counts[-1] = 1
    histograms = {"t": Histogram(0.0, 16.0, 16 / BINS, 0, counts)}
    assert find_ranges(histograms, "minmax")["t"] == (0.0, 16.0)
    low, high = find_ranges(histograms, "percentile")["t"]
    assert (low, high) == pytest.approx((0.0, 1.0), abs=1e-4)
    for method in ("mse", "entropy"):
        low, high = find_ranges(histograms, method)["t"]
        assert low == 0.0
        assert 1.0 <= high < 16.0


@pytest.mark.parametrize("method", METHODS)
def test_two_runs_give_the_same_ranges(digit_network, digits, method):
    first, second = (settled_ranges(observe(digit_network, lambda: digits[:40]), method) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_sample_that_is_not_finite_is_named(digit_network, digits, value):
    broken = [digit.copy() for digit in digits[:4]]
    broken[2][0, 0, 0] = value
    with pytest.raises(InputError, match="calibration sample 3: tensor x"):
        observe(digit_network, lambda: broken)


def test_what_does_not_fit_the_input_is_named(digit_network, digits):
    with pytest.raises(InputError, match="no calibration sample"):
        observe(digit_network, list)
    with pytest.raises(InputError, match=r"sample 2: x is \[1, 8, 8\].*not \['n', 1, 8, 8\]"):
        observe(digit_network, lambda: [digits[0], digits[0][0]])
    with pytest.raises(InputError, match=r"sample 1: holds \['image'\], the model takes \['x'\]"):
        observe(digit_network, lambda: [{"image": digits[0]}])


def test_an_infinite_mask_is_no_mistake_and_has_no_range(build):
    nodes = [
        helper.make_node("Add", ["x", "mask"], ["masked"], name="mask"),
        helper.make_node("Softmax", ["masked"], ["y"], name="softmax"),
    ]
    model = build(nodes, {"mask": [0, -np.inf, 0, 0]}, (4,), (4,))
    observation: Observation = observe(model, lambda: [np.ones(4, np.float32)])
    assert set(observation.histograms) == {"x", "y"}
