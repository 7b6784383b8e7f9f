"""What one arm showed in one scenario, as frozen values: percentiles or a rate, with intervals where they exist."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from edge_benchmarks.bench.scenarios.interface import Phase, Rate, What
from edge_benchmarks.statistics import effective_sample_size, percentile_interval, samples_needed
from edge_benchmarks.verdicts import Interval

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}

SAMPLES_NEEDED = {name: samples_needed(q) for name, q in PERCENTILES.items()}
"""Independent samples from which each percentile is known."""


@dataclass(frozen=True)
class Latency:
    """Percentiles of a series of durations, in milliseconds."""

    percentiles: dict[str, Interval | None]
    """`p50`, `p90`, `p99`; None where the samples do not bound it."""
    n: int
    effective_n: dict[str, float]
    """Independent samples that the series is worth, for each percentile."""

    def to_dict(self) -> dict[str, Any]:
        """Return `p50`, `p90`, `p99` (value, low, high; or null where not resolved), `n` and `effective_n`."""
        document: dict[str, Any] = {name: interval_dict(value) for name, value in self.percentiles.items()}
        return document | {"n": self.n, "effective_n": {name: round(n, 1) for name, n in self.effective_n.items()}}


@dataclass(frozen=True)
class Row:
    """One line of a report's tables."""

    arm: str
    scenario: str
    what: What
    n: int
    """Samples: calls, or batches."""
    items: int
    """Inputs that one sample answered."""
    latency: Latency | None = None
    """None where nothing was measured, a rate was, or more calls came than could be answered."""
    throughput: Interval | None = None
    """Inputs a second, of a scenario that measures that; None too where the samples do not bound it."""
    stages: dict[str, Latency] = field(default_factory=dict)
    unaccounted_share: float | None = None
    """Share of the end-to-end time that no stage accounts for."""
    rate: Rate | None = None
    """Where calls came at a rate of their own."""
    share: float | None = None
    """Of the data's texts that have this row's length."""
    padding_share: float | None = None
    """Of the tokens computed for a list of texts, those that were padding."""

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary."""
        names = ("arm", "scenario", "what", "n", "items", "unaccounted_share", "share", "padding_share")
        plain = {name: getattr(self, name) for name in names}
        return plain | {
            "latency_ms": self.latency.to_dict() if self.latency else None,
            "throughput": interval_dict(self.throughput),
            "stages_ms": {stage: latency.to_dict() for stage, latency in self.stages.items()},
            "rate": self.rate.to_dict() if self.rate else None,
        }


def rows_of(phases: Sequence[Phase]) -> Iterator[Row]:
    """Yield a row for each arm of each phase, in their order."""
    for phase in phases:
        for arm in phase.timings.samples_ns:
            yield _row(phase, arm)


def _row(phase: Phase, arm: str) -> Row:
    samples = phase.timings.samples_ns[arm]
    row = Row(arm, phase.scenario, phase.what, len(samples), phase.items, share=phase.share)
    if phase.counts == "throughput":
        return replace(row, throughput=_throughput(phase, arm), padding_share=phase.padding.get(arm))
    rate = phase.rates.get(arm)
    latency = summarize_latency(samples / 1e6) if rate is None or rate.reached else None
    stages = phase.stages.get(arm, {})
    if not stages:
        return replace(row, latency=latency, rate=rate)
    accounted = sum(int(durations.sum()) for durations in stages.values())
    return replace(
        row,
        latency=latency,
        stages={stage: found for stage, durations in stages.items() if (found := summarize_latency(durations / 1e6))},
        unaccounted_share=1.0 - accounted / int(samples.sum()),
    )


def summarize_latency(milliseconds: ArrayLike) -> Latency | None:
    """Return the percentiles of a series, or None for an empty one."""
    durations = np.asarray(milliseconds, dtype=np.float64)
    if not len(durations):
        return None
    percentiles = {name: percentile_interval(durations, q) for name, q in PERCENTILES.items()}
    effective = {name: effective_sample_size(durations, q) for name, q in PERCENTILES.items()}
    return Latency(percentiles, len(durations), effective)


def _throughput(phase: Phase, arm: str) -> Interval | None:
    """Return inputs a second from the median duration of a sample."""
    median = phase.timings.percentile(arm, 0.5)
    if median is None:
        return None
    most = 1e3 * phase.items
    return Interval(most / median.estimate, most / median.high, most / median.low, median.confidence)


def interval_dict(interval: Interval | None) -> dict[str, float | None] | None:
    """Return `value`, `low`, `high`; a bound that does not exist is null, since JSON has no infinity."""
    if interval is None:
        return None
    numbers = {"value": interval.estimate, "low": interval.low, "high": interval.high}
    return {name: number if math.isfinite(number) else None for name, number in numbers.items()}
