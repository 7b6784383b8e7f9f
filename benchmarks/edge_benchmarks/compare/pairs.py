"""From pairs of fresh processes to questions: measurements of both sides, and the effect that the pairs show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from edge_benchmarks.compare.effects import of_exact, of_pairs
from edge_benchmarks.compare.judge import Question
from edge_benchmarks.measurements import Measurement
from edge_benchmarks.statistics.percentiles import percentile_interval
from edge_benchmarks.statistics.ratios import log_ratios
from edge_benchmarks.statistics.stationarity import find_change
from edge_benchmarks.timing import InterleavedTimings, ProcessPair
from edge_benchmarks.timing.interleaved import SMALLEST_CHANGE

BASE, NEW = "base", "new"
"""The two arms."""

PERCENTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}

LATENCIES: dict[str, Callable[[ProcessPair], InterleavedTimings]] = {
    "latency": lambda pair: pair.whole,
    "model_latency": lambda pair: pair.model,
}
"""Prefix of a metric, and where a pair holds its samples."""

STARTS: dict[str, Callable[[ProcessPair, str], float | None]] = {
    "first_label": lambda pair, arm: pair.started[arm].first_label_ns / 1e6,
    "peak_rss": lambda pair, arm: pair.memory[arm].peak_rss_bytes,
    "steady_rss": lambda pair, arm: pair.memory[arm].steady_rss_bytes,
}
"""Metric of a whole process, and its value for one arm of a pair; None where the system does not tell."""

Named = Callable[[str, str], tuple[str, str, str, str]]
"""From scenario and metric to the first four fields of a `Measurement`."""


def measured(pairs: Sequence[ProcessPair], arm: str, named: Named) -> list[Measurement]:
    """Return one arm's numbers of all its processes."""
    found = []
    for prefix, timings in LATENCIES.items():
        samples = np.concatenate([timings(pair).samples_ns[arm] for pair in pairs]) / 1e6
        for name, q in PERCENTILES.items():
            found.append(_measurement(samples, q, named("single-stream", f"{prefix}_{name}")))
    for metric, value in STARTS.items():
        values = [value(pair, arm) for pair in pairs]
        known = np.asarray([one for one in values if one is not None], dtype=np.float64)
        if len(known):
            found.append(_measurement(known, 0.5, named("cold-start", metric)))
    return found


def questions(pairs: Sequence[ProcessPair], base: Sequence[Measurement], new: Sequence[Measurement]) -> list[Question]:
    """Return what is to be judged of one variant: median latencies, cold start, peak memory, and every exact number.

    The tails of latencies and the steady memory are reported and can have budgets; they follow what is judged here, and
    each further question would take power from all.
    """
    by_metric = {one.metric: one for one in new}
    found = []
    for one in base:
        other = by_metric.get(one.metric)
        if one.metric in LOGS:
            effect = of_pairs(LOGS[one.metric](pairs), TRIM.get(one.metric, 0.0))
            found.append(Question(one, other, effect, problem=_moved(pairs, one.metric)))
        elif other and one.scenario == "static" and one.value is not None and other.value is not None:
            found.append(Question(one, other, of_exact(one.value, other.value)))
    return found


def _latency_logs(prefix: str) -> Callable[[Sequence[ProcessPair]], list[float]]:
    def logs(pairs: Sequence[ProcessPair]) -> list[float]:
        return [float(np.median(_block_logs(pair, prefix))) for pair in pairs]

    return logs


def _start_logs(metric: str) -> Callable[[Sequence[ProcessPair]], list[float]]:
    def logs(pairs: Sequence[ProcessPair]) -> list[float]:
        both = [(STARTS[metric](pair, NEW), STARTS[metric](pair, BASE)) for pair in pairs]
        return [float(log_ratios(new, base)) for new, base in both if new and base]

    return logs


LOGS: dict[str, Callable[[Sequence[ProcessPair]], list[float]]] = {
    "latency_p50": _latency_logs("latency"),
    "model_latency_p50": _latency_logs("model_latency"),
    "first_label": _start_logs("first_label"),
    "peak_rss": _start_logs("peak_rss"),
}
"""Metric that is judged, and the log ratio of NEW over BASE in each pair."""


TRIM = {"first_label": 0.25}
"""A start is one moment: where anything else ran in it, it takes half as long again; it is the median that is asked."""


def samples(pairs: Sequence[ProcessPair]) -> list[dict[str, Any]]:
    """Return everything raw, pair by pair, for the JSON document."""
    return [
        {
            "end_to_end": pair.whole.to_dict(),
            "model": pair.model.to_dict(),
            "processes": {arm: {metric: value(pair, arm) for metric, value in STARTS.items()} for arm in pair.started},
        }
        for pair in pairs
    ]


def levels(pairs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return what one run measured of both arms together, from its raw samples: scenario and metric to the median."""
    found = {}
    for prefix, phase in (("latency", "end_to_end"), ("model_latency", "model")):
        calls = [value for pair in pairs for arm in pair[phase]["samples_ns"].values() for value in arm]
        found[f"single-stream/{prefix}_p50"] = float(np.median(calls)) / 1e6
    for metric in STARTS:
        values = [one[metric] for pair in pairs for one in pair["processes"].values() if one[metric] is not None]
        if values:
            found[f"cold-start/{metric}"] = float(np.median(values))
    return found


def _block_logs(pair: ProcessPair, prefix: str) -> np.ndarray:
    timings = LATENCIES[prefix](pair)
    return log_ratios(timings.block_medians(NEW), timings.block_medians(BASE))


def _moved(pairs: Sequence[ProcessPair], metric: str) -> str:
    """Say that the ratio of the latencies moved while it was measured, or nothing."""
    prefix = metric.rpartition("_")[0]
    if prefix not in LATENCIES:
        return ""
    change = find_change(np.concatenate([_block_logs(pair, prefix) for pair in pairs]))
    if change is None or abs(change.after - change.before) <= np.log1p(SMALLEST_CHANGE):
        return ""
    before, after = np.exp(change.before), np.exp(change.after)
    return f"the ratio moved from {before:.3g} to {after:.3g} while it was measured; quiet the machine, measure again"


def _measurement(values: np.ndarray, q: float, name: tuple[str, str, str, str]) -> Measurement:
    interval = percentile_interval(values, q)
    if interval is None:
        return Measurement(*name, None, None, None, len(values))
    return Measurement(*name, interval.estimate, interval.low, interval.high, len(values))
