"""Counts and drift: what is counted, and how often an alarm is false."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats

from edge_runtime import Monitor, Prediction
from edge_runtime.errors import InputError
from edge_runtime.monitoring import MAX_MODELS, drift_limit, kolmogorov_smirnov

LABELS = ("cat", "dog")


def _answer(score: float, label: str = "cat", content_id: str = "a", *, unknown: bool = False) -> Prediction:
    shown = "unknown" if unknown else label
    return Prediction(shown, score, unknown, np.array([score, 1 - score]), LABELS, content_id, (label,))


def test_counts_of_each_model() -> None:
    monitor = Monitor(window=2)
    for answer in (
        _answer(0.9),
        _answer(0.8, "dog"),
        _answer(0.7),
        _answer(0.2, unknown=True),
        _answer(1.0, "dog", "b"),
    ):
        monitor.add(answer)
    first, second = monitor.snapshot().values()
    assert (first.predictions, first.unknown, first.labels) == (4, 1, {"cat": 2, "dog": 1})
    assert first.mean_score == pytest.approx(0.65)
    assert second.labels == {"dog": 1} and second.drift is None and not second.drifted
    assert list(monitor.snapshot()) == ["a", "b"]
    monitor.reset()
    assert monitor.snapshot() == {}


def test_several_labels_count_each() -> None:
    monitor = Monitor()
    monitor.add(Prediction("cat|dog", 0.9, False, np.array([0.9, 0.6]), LABELS, "a", ("cat", "dog")))
    monitor.add(Prediction("", 0.1, False, np.array([0.1, 0.1]), LABELS, "a", ()))
    assert monitor.snapshot()["a"].labels == {"cat": 1, "dog": 1}


def test_drift_compares_the_first_window_with_the_latest() -> None:
    random = np.random.default_rng(0)
    monitor = Monitor(window=200)
    for score in random.beta(8, 2, 400):
        monitor.add(_answer(score))
    same = monitor.snapshot()["a"]
    assert same.drift is not None and not same.drifted
    for score in random.beta(6, 3, 200):
        monitor.add(_answer(score))
    assert monitor.snapshot()["a"].drifted


def test_the_statistic_is_scipys_and_the_limit_is_rarely_passed() -> None:
    random = np.random.default_rng(1)
    for n, m in ((50, 50), (30, 200)):
        one, other = random.random(n).round(1), random.random(m)  # with ties
        assert kolmogorov_smirnov(one, other) == pytest.approx(stats.ks_2samp(one, other).statistic)
    passed = [kolmogorov_smirnov(*random.random((2, 100))) > drift_limit(100, 100, 0.05) for _ in range(2000)]
    assert 0.02 < np.mean(passed) < 0.06
    assert stats.kstwobign.sf(drift_limit(1000, 1000) * np.sqrt(500)) == pytest.approx(0.001, rel=0.01)


def test_many_threads_lose_no_count_and_old_models_are_forgotten() -> None:
    monitor = Monitor(window=10)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda at: monitor.add(_answer(at / 4000)), range(4000)))
    finally:
        sys.setswitchinterval(interval)
    assert monitor.snapshot()["a"].predictions == 4000
    for at in range(MAX_MODELS):
        monitor.add(_answer(0.5, content_id=str(at)))
    assert "a" not in monitor.snapshot() and len(monitor.snapshot()) == MAX_MODELS
    monitor.add(_answer(0.5, content_id="0"))
    monitor.add(_answer(0.5, content_id="another"))
    assert monitor.snapshot()["0"].predictions == 2 and "1" not in monitor.snapshot()
    with pytest.raises(InputError, match="window=0"):
        Monitor(window=0)
