"""When calibration stops, and what it says of it."""

import numpy as np
import pytest

from edge_export.quantize.calibration import observe


def noise(count: int, scale: float = 1.0) -> list[np.ndarray]:
    generator = np.random.default_rng(0)
    return [(generator.uniform(-1, 1, (1, 8, 8)) * scale).astype(np.float32) for _ in range(count)]


def test_it_stops_when_the_ranges_have_settled(digit_network):
    taken = []

    def samples():
        for sample in noise(1000):
            taken.append(sample)
            yield sample

    observation = observe(digit_network, samples)
    assert observation.settling is not None
    assert observation.settling.settled
    assert observation.settling.cost <= 0.01
    assert observation.samples == len(taken)
    assert 64 <= observation.samples < 1000
    assert observation.sentence() == f"the ranges settled after {observation.samples} calibration samples"


@pytest.mark.parametrize("methods", [("minmax",), ("percentile", "mse")])
def test_ranges_that_go_on_growing_are_said_not_to_have_settled(digit_network, methods):
    growing = [sample * 1.02**at for at, sample in enumerate(noise(128))]
    observation = observe(digit_network, lambda: growing, until=methods)
    assert observation.samples == 128
    assert "not settled after 128 calibration samples" in observation.sentence()
    assert "--calibration-samples" in observation.sentence()


def test_too_few_samples_are_said_and_never_padded(digit_network):
    observation = observe(digit_network, lambda: noise(5))
    assert observation.samples == 5
    assert observation.sentence() == "calibrated on 5 samples, too few to see whether the ranges have settled"
    assert observe(digit_network, lambda: noise(100), until=()).samples == 100
