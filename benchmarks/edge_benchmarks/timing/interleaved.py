"""Durations of several arms measured side by side, in pairs that can be compared, and the verdict on two of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.statistics.percentiles import percentile_interval
from edge_benchmarks.statistics.ratios import log_ratios, median_ratio
from edge_benchmarks.statistics.stationarity import find_change
from edge_benchmarks.verdicts import Interval, Time, TimeVerdict
from edge_runtime.errors import InputError

ROUNDS_PER_BLOCK = 2
"""A block is one random order of the arms and then its reverse, so that a linear drift inside it cancels."""

SMALLEST_CHANGE = 0.05
"""A ratio that moves by less than this while it is measured changes no decision, however surely it moved."""


@dataclass(frozen=True)
class InterleavedTimings:
    """Raw durations of several arms from one interleaved run."""

    samples_ns: dict[str, NDArray[np.int64]]
    """For each arm the durations of its calls in nanoseconds, `calls_per_turn` of them a round."""
    timer_ns: float
    """Median cost of reading the clock twice, which every sample includes."""
    seed: int
    """Of the random orders."""
    calls_per_turn: int = 1
    """Calls that an arm makes when it is its turn; more than one where each arm has a process of its own."""

    @property
    def rounds(self) -> int:
        """Rounds run; in each every arm had one turn."""
        return len(next(iter(self.samples_ns.values()))) // self.calls_per_turn

    def ratio(self, candidate: str, baseline: str) -> Interval:
        """Return candidate duration over baseline duration: the median over blocks, with 95 % bounds."""
        return median_ratio(self.blocks(candidate), self.blocks(baseline))

    def percentile(self, arm: str, q: float) -> Interval | None:
        """Return quantile `q` of an arm's durations in milliseconds; None where the rounds do not bound it."""
        return percentile_interval(self.samples_ns[arm] / 1e6, q)

    def blocks(self, arm: str) -> NDArray[np.int64]:
        """Return an arm's nanoseconds a block, the unit in which arms are compared: the sum of all its calls."""
        if arm not in self.samples_ns:
            raise InputError(f"no arm {arm!r} was timed; there are {', '.join(self.samples_ns)}")
        totals: NDArray[np.int64] = self.samples_ns[arm].reshape(-1, ROUNDS_PER_BLOCK * self.calls_per_turn).sum(axis=1)
        return totals

    def block_medians(self, arm: str) -> NDArray[np.float64]:
        """Return an arm's median call of each block in nanoseconds, which one call that had to wait does not move."""
        calls = self.samples_ns[arm].reshape(-1, ROUNDS_PER_BLOCK * self.calls_per_turn)
        medians: NDArray[np.float64] = np.median(calls, axis=1)
        return medians

    def to_dict(self) -> dict[str, Any]:
        """Return the raw samples as a JSON-ready dictionary."""
        samples = {arm: values.tolist() for arm, values in self.samples_ns.items()}
        document = {"samples_ns": samples, "timer_ns": self.timer_ns, "seed": self.seed}
        return document | {"calls_per_turn": self.calls_per_turn}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> InterleavedTimings:
        """Return what `to_dict` gave."""
        samples = {arm: np.asarray(values, dtype=np.int64) for arm, values in document["samples_ns"].items()}
        turn = int(document.get("calls_per_turn", 1))
        return cls(samples, float(document["timer_ns"]), int(document["seed"]), turn)


class InterruptedTiming(KeyboardInterrupt):
    """Ctrl-C came while arms were being measured; what was measured by then is not lost."""

    def __init__(self, timings: InterleavedTimings) -> None:
        super().__init__()
        self.timings = timings
        """The whole blocks that were done, perhaps none."""


def judge_time(timings: InterleavedTimings, candidate: str, baseline: str, margin: float = 0.0) -> TimeVerdict:
    """Say whether the candidate is quicker than the baseline.

    Args:
        timings: One interleaved run that holds both.
        candidate: Name of an arm.
        baseline: Name of an arm.
        margin: Two arms whose ratio lies in `1 / (1 + margin) .. 1 + margin` count as the same; with 0 none do.

    Returns:
        `invalid` with the reason where the ratio itself moved during the run; else by where the interval lies.
    """
    ratio = timings.ratio(candidate, baseline)
    moved = find_change(log_ratios(timings.blocks(candidate), timings.blocks(baseline)))
    if moved is not None and abs(moved.after - moved.before) > math.log1p(SMALLEST_CHANGE):
        reason = (
            f"the ratio moved from {math.exp(moved.before):.3g} to {math.exp(moved.after):.3g} after "
            f"{moved.index * ROUNDS_PER_BLOCK} of {timings.rounds} rounds; quiet the machine and measure again"
        )
        return TimeVerdict(Time.INVALID, ratio, timings.rounds, reason)
    return TimeVerdict(_verdict(ratio, margin), ratio, timings.rounds)


def _verdict(ratio: Interval, margin: float) -> Time:
    if margin > 0 and 1 / (1 + margin) <= ratio.low and ratio.high <= 1 + margin:
        return Time.SAME
    if ratio.high < 1:
        return Time.FASTER
    return Time.SLOWER if ratio.low > 1 else Time.INCONCLUSIVE
