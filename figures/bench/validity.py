"""How often clean series are called invalid, and planted changes found."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from interface import Figure
from numpy.typing import NDArray

from edge_benchmarks.machine.validity import unsteady
from edge_benchmarks.statistics import wilson_interval
from edge_benchmarks.timing import InterleavedTimings

SERIES = 500
"""Of each kind."""

LENGTHS = (40, 120, 400, 1500)
"""Rounds of a clean series."""

PLANTED_LENGTH = 800

PLANTED: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "warm-up (60 % slower, dying away)": lambda t: np.log(1 + 0.6 * np.exp(-6 * t)),
    "step (25 %)": lambda t: np.where(t > 0.6, math.log(1.25), 0.0),
    "drift (35 % over the run)": lambda t: np.log(1 + 0.35 * t),
    "throttle (40 %, hunting)": lambda t: np.where(t > 0.5, math.log(1.4) + 0.15 * np.sign(np.sin(80 * t)), 0.0),
    "throttle again and again (30 %, 6 times)": lambda t: np.where((6 * t) % 1 > 0.5, math.log(1.3), 0.0),
}
"""Name to the logarithm of the factor at each moment of the run, from 0 to 1."""


def measure() -> list[Figure]:
    """Judge simulated series as a phase of the bench is judged."""
    rng = np.random.default_rng(0)
    clean = [_clean(rng, int(rng.choice(LENGTHS))) for _ in range(SERIES)]
    called = sum(_invalid(series) for series in clean)
    share = wilson_interval(called, SERIES)
    kinds = "lognormal, skewed or heavy-tailed, AR(1) of 0, 0.3 or 0.5, 40 to 1,500 rounds"
    figures = [
        Figure("clean series called invalid", 100 * share.estimate, 100 * share.low, 100 * share.high, 2.0, "at most",
               "%", f"{called} of {SERIES}; {kinds}")
    ]  # fmt: skip
    moment = np.arange(PLANTED_LENGTH) / PLANTED_LENGTH
    for name, shape in PLANTED.items():
        found = sum(_invalid(_clean(rng, PLANTED_LENGTH) + shape(moment)) for _ in range(SERIES))
        share = wilson_interval(found, SERIES)
        how = f"{found} of {SERIES} series of {PLANTED_LENGTH} rounds, noise as in the clean ones"
        figures.append(
            Figure(f"planted {name} found", 100 * share.estimate, 100 * share.low, 100 * share.high, 95.0, "at least",
                   "%", how)
        )  # fmt: skip
    return figures


def _invalid(logs: NDArray[np.float64]) -> bool:
    samples = {"a": (5e6 * np.exp(logs)).astype(np.int64)}
    return bool(unsteady(InterleavedTimings(samples, 50.0, 0), "a"))


def _clean(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Return logarithms of durations without a change, of a random kind."""
    correlation = float(rng.choice([0.0, 0.3, 0.5]))
    steps = rng.standard_normal(n + 50) * math.sqrt(1 - correlation**2)
    series = steps.copy()
    for place in range(1, n + 50):
        series[place] = correlation * series[place - 1] + steps[place]
    series = series[50:]
    kind = rng.integers(3)
    if kind == 0:
        return 0.05 * series
    if kind == 1:
        skewed: NDArray[np.float64] = np.log1p(0.03 * np.exp(1.2 * series))
        return skewed
    tail: NDArray[np.float64] = 0.05 * series + np.where(rng.random(n) < 0.03, rng.exponential(0.7, n), 0.0)
    return tail
