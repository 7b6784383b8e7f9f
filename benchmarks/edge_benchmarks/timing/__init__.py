"""The one paired timer: arms measured side by side in random balanced order, in one process or each in its own."""

from __future__ import annotations

from edge_benchmarks.timing.in_process import interleave, timer_cost
from edge_benchmarks.timing.interleaved import ROUNDS_PER_BLOCK, InterleavedTimings, InterruptedTiming, judge_time
from edge_benchmarks.timing.paired import InterruptedPairs, ProcessPair, measure_pairs
from edge_benchmarks.timing.workers import WorkerSpec

__all__ = [
    "ROUNDS_PER_BLOCK",
    "InterleavedTimings",
    "InterruptedPairs",
    "InterruptedTiming",
    "ProcessPair",
    "WorkerSpec",
    "interleave",
    "judge_time",
    "measure_pairs",
    "timer_cost",
]
