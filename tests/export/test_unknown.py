"""Temperature and threshold: that they mean what they say."""

import numpy as np

from edge_export.unknown import fit_temperature, fit_unknown, measure_unknown


def scored(n: int, seed: int, overconfidence: float = 1.0):
    """Labels drawn from the softmax of logits, which are then scaled: the true temperature is the scale."""
    generator = np.random.default_rng(seed)
    logits = generator.standard_normal((n, 5)) * 2
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    labels = np.array([generator.choice(5, p=row) for row in odds])
    return (logits * overconfidence).astype(np.float32), labels


def test_temperature_undoes_overconfidence():
    logits, labels = scored(20_000, 0, overconfidence=3.0)
    assert abs(fit_temperature(logits, labels) - 3.0) < 0.15


def test_threshold_keeps_its_precision_on_new_items():
    unknown = fit_unknown(*scored(20_000, 1), precision=0.9)
    seen = measure_unknown(*scored(20_000, 2), unknown)
    assert abs(seen["precision"] - 0.9) < 0.015
    assert 0.2 < seen["coverage"] < 0.95


def test_a_model_that_is_good_enough_withholds_nothing_and_a_hopeless_one_everything():
    logits = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]] * 5
    assert fit_unknown(logits, np.array([0, 1, 2, 0]), 0.95).threshold == 0.0
    hopeless = fit_unknown(logits, np.array([1, 2, 0, 1]), 0.95)
    assert measure_unknown(logits, np.array([1, 2, 0, 1]), hopeless) == {"n": 4, "coverage": 0.0, "precision": None}
