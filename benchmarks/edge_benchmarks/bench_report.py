"""What a benchmark found, as frozen values, and the versioned JSON document that they become."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.cold_start import ColdStart
from edge_benchmarks.measurements import Measurement
from edge_benchmarks.statistics import effective_sample_size, percentile_interval, samples_needed
from edge_benchmarks.timing import InterleavedTimings
from edge_benchmarks.verdicts import Interval, TimeVerdict

BENCH_SCHEMA = 2
"""Raised whenever a field changes its meaning or goes away; new fields do not raise it."""

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
class Throughput:
    """The offline scenario: how many images a second the model answers when they wait in batches."""

    batch: int
    images_per_second: Interval | None
    n: int
    """Batches timed."""

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary."""
        rate = interval_dict(self.images_per_second)
        return {"scenario": "offline", "batch": self.batch, "images_per_second": rate, "n": self.n}


@dataclass(frozen=True)
class VariantResult:
    """One row: a variant of a bundle, whose golden vectors passed on this machine."""

    arm: str
    """Its name in this report: the variant's, after the bundle's file name where several bundles were measured."""
    bundle: str
    """The bundle's file name."""
    name: str
    version: str
    content_id: str
    variant: str
    precision: str
    provider: str
    """Execution provider that really ran."""
    threads: int
    golden_cases: int
    """Golden vectors that gave the right answer here before anything was timed."""
    variant_bytes: int
    bundle_bytes: int
    latency: Latency | None = None
    """End to end: from encoded image in memory to answer."""
    model_latency: Latency | None = None
    """The model alone: from tensor to logits."""
    stages: dict[str, Latency] = field(default_factory=dict)
    unaccounted_share: float | None = None
    """Share of the end-to-end time that no stage accounts for."""
    throughput: Throughput | None = None
    cold_starts: tuple[ColdStart, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary."""
        plain = ("arm", "bundle", "name", "version", "content_id", "variant", "precision", "provider", "threads",
                 "golden_cases", "variant_bytes", "bundle_bytes", "unaccounted_share")  # fmt: skip
        return {name: getattr(self, name) for name in plain} | {
            "latency_ms": self.latency.to_dict() if self.latency else None,
            "model_latency_ms": self.model_latency.to_dict() if self.model_latency else None,
            "stages_ms": {stage: latency.to_dict() for stage, latency in self.stages.items()},
            "throughput": self.throughput.to_dict() if self.throughput else None,
            "cold_start_ms": self._cold_start() or None,
            "peak_rss_bytes": max((start.peak_rss_bytes for start in self.cold_starts), default=None),
            "steady_rss_bytes": max((start.steady_rss_bytes for start in self.cold_starts), default=None),
        }

    def _cold_start(self) -> dict[str, Any]:
        """Return the median of each part; with few processes a percentile has no bounds, so the range is given."""
        if not self.cold_starts:
            return {}
        document: dict[str, Any] = {"n": len(self.cold_starts)}
        for part in ("total", "import", "load", "first_run"):
            values = [getattr(start, f"{part}_ns") / 1e6 for start in self.cold_starts]
            document[part] = {"median": float(np.median(values)), "min": min(values), "max": max(values)}
        return document


@dataclass(frozen=True)
class Comparison:
    """Two variants, timed side by side."""

    what: str
    """`end-to-end` or `model`."""
    candidate: str
    """Arm."""
    baseline: str
    verdict: TimeVerdict

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary."""
        return {
            "what": self.what,
            "candidate": self.candidate,
            "baseline": self.baseline,
            "verdict": self.verdict.verdict.value,
            "ratio": interval_dict(self.verdict.ratio),
            "rounds": self.verdict.rounds,
            "reason": self.verdict.reason,
        }


@dataclass(frozen=True)
class BenchReport:
    """Everything one benchmark found."""

    created: str
    """UTC, ISO 8601."""
    settings: dict[str, Any]
    """What was asked for: device, threads, seconds, batch, seed, cold starts, and the inputs' names and digests."""
    environment: dict[str, Any]
    """See `edge_benchmarks.environment`; `conditions` before, `conditions_after` after."""
    results: tuple[VariantResult, ...]
    """The first one is the variant that `edge_runtime.load` takes of the first bundle."""
    comparisons: tuple[Comparison, ...] = ()
    problems: tuple[str, ...] = ()
    """Why the run is invalid: something changed while it was measured. Empty for a valid run."""
    partial: bool = False
    """Interrupted; it holds what was measured by then."""
    attempts: int = 1
    """How many times the end-to-end run was made until the machine held still."""
    samples: dict[str, Any] = field(default_factory=dict)
    """Raw durations in nanoseconds, by phase and arm."""

    @property
    def valid(self) -> bool:
        """Whether nothing changed while it was measured."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document; `docs/reference.md` describes its fields."""
        return {
            "schema": BENCH_SCHEMA,
            "kind": "bench",
            "scenario": "single-stream",
            "created": self.created,
            "partial": self.partial,
            "valid": self.valid,
            "problems": list(self.problems),
            "attempts": self.attempts,
            "measurements": [one.to_dict() for one in measurements(self.results)],
            "variants": [result.to_dict() for result in self.results],
            "comparisons": [comparison.to_dict() for comparison in self.comparisons],
            "settings": self.settings,
            "environment": self.environment,
            "cold_starts": {result.arm: [asdict(start) for start in result.cold_starts] for result in self.results},
            "samples_ns": self.samples,
        }


def measurements(results: Sequence[VariantResult]) -> list[Measurement]:
    """Return the flat list of every number, the variants in their order."""
    # Two builds of one bundle measured side by side differ in nothing but their files' names.
    several = len({one.bundle for one in results}) > len({one.name for one in results})
    return [
        Measurement(one.bundle if several else one.name, one.variant, scenario, metric, *numbers)
        for one in results
        for scenario, metric, *numbers in _numbers(one)
    ]


def _numbers(result: VariantResult) -> Iterator[tuple[Any, ...]]:
    """Yield scenario, metric, value, low, high and n."""
    for prefix, latency in (("latency", result.latency), ("model_latency", result.model_latency)):
        if latency is not None:
            for name, found in latency.percentiles.items():
                yield "single-stream", f"{prefix}_{name}", *_ends(found), latency.n
    if result.throughput:
        scenario = f"offline/batch={result.throughput.batch}"
        yield scenario, "throughput", *_ends(result.throughput.images_per_second), result.throughput.n
    starts = result.cold_starts
    if starts:
        total = percentile_interval([start.total_ns / 1e6 for start in starts], 0.5)
        yield "cold-start", "first_label", *_ends(total), len(starts)
        for metric in ("peak_rss", "steady_rss"):
            memory = percentile_interval([getattr(start, f"{metric}_bytes") for start in starts], 0.5)
            yield "cold-start", metric, *_ends(memory), len(starts)
    for metric, size in (("bundle_size", result.bundle_bytes), ("variant_size", result.variant_bytes)):
        yield "static", metric, float(size), float(size), float(size), 1


def _ends(interval: Interval | None) -> tuple[float | None, float | None, float | None]:
    return (interval.estimate, interval.low, interval.high) if interval else (None, None, None)


def summarize_latency(samples_ns: NDArray[np.int64]) -> Latency | None:
    """Return the percentiles of a series, or None for an empty one."""
    if not len(samples_ns):
        return None
    durations = samples_ns / 1e6
    percentiles = {name: percentile_interval(durations, q) for name, q in PERCENTILES.items()}
    effective = {name: effective_sample_size(durations, q) for name, q in PERCENTILES.items()}
    return Latency(percentiles, len(durations), effective)


def summarize_throughput(timings: InterleavedTimings, arm: str, batch: int) -> Throughput:
    """Return images a second from the durations of whole batches."""
    median = timings.percentile(arm, 0.5)
    rate = None
    if median is not None:
        per_batch = 1e3 * batch
        rate = Interval(per_batch / median.estimate, per_batch / median.high, per_batch / median.low, median.confidence)
    return Throughput(batch, rate, timings.rounds)


def interval_dict(interval: Interval | None) -> dict[str, float | None] | None:
    """Return `value`, `low`, `high`; a bound that does not exist is null, since JSON has no infinity."""
    if interval is None:
        return None
    numbers = {"value": interval.estimate, "low": interval.low, "high": interval.high}
    return {name: number if math.isfinite(number) else None for name, number in numbers.items()}
