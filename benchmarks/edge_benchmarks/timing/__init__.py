"""The one paired timer: arms measured side by side in random balanced order, in one process or each in its own."""

from __future__ import annotations

from edge_benchmarks.timing.in_process import interleave, timer_cost
from edge_benchmarks.timing.interleaved import ROUNDS_PER_BLOCK, InterleavedTimings, InterruptedTiming, judge_time

__all__ = ["ROUNDS_PER_BLOCK", "InterleavedTimings", "InterruptedTiming", "interleave", "judge_time", "timer_cost"]
