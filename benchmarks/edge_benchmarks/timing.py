"""The one paired timer: several callables measured side by side in random balanced order, and the verdict on them."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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

MAX_ROUNDS = 10_000
"""More samples of one arm would not narrow an interval that anyone reads."""

SMALLEST_CHANGE = 0.05
"""A ratio that moves by less than this while it is measured changes no decision, however surely it moved."""

WARMUP_CALLS = 3
"""Calls of each arm before the first sample, at least: the first one allocates, the second still tunes."""


@dataclass(frozen=True)
class InterleavedTimings:
    """Raw durations of several arms from one interleaved run."""

    samples_ns: dict[str, NDArray[np.int64]]
    """For each arm one duration a round, in nanoseconds; index `i` is the same round in every arm."""
    timer_ns: float
    """Median cost of reading the clock twice, which every sample includes."""
    seed: int
    """Of the random orders."""

    @property
    def rounds(self) -> int:
        """Rounds run; each ran every arm once."""
        return len(next(iter(self.samples_ns.values())))

    def ratio(self, candidate: str, baseline: str) -> Interval:
        """Return candidate duration over baseline duration: the median over blocks, with 95 % bounds."""
        return median_ratio(self.blocks(candidate), self.blocks(baseline))

    def percentile(self, arm: str, q: float) -> Interval | None:
        """Return quantile `q` of an arm's durations in milliseconds; None where the rounds do not bound it."""
        return percentile_interval(self.samples_ns[arm] / 1e6, q)

    def blocks(self, arm: str) -> NDArray[np.int64]:
        """Return an arm's nanoseconds in each block, the unit in which arms are compared."""
        if arm not in self.samples_ns:
            raise InputError(f"no arm {arm!r} was timed; there are {', '.join(self.samples_ns)}")
        totals: NDArray[np.int64] = self.samples_ns[arm].reshape(-1, ROUNDS_PER_BLOCK).sum(axis=1)
        return totals

    def to_dict(self) -> dict[str, Any]:
        """Return the raw samples as a JSON-ready dictionary."""
        samples = {arm: values.tolist() for arm, values in self.samples_ns.items()}
        return {"samples_ns": samples, "timer_ns": self.timer_ns, "seed": self.seed}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> InterleavedTimings:
        """Return what `to_dict` gave."""
        samples = {arm: np.asarray(values, dtype=np.int64) for arm, values in document["samples_ns"].items()}
        return cls(samples, float(document["timer_ns"]), int(document["seed"]))


class InterruptedTiming(KeyboardInterrupt):
    """Ctrl-C came while arms were being measured; what was measured by then is not lost."""

    def __init__(self, timings: InterleavedTimings) -> None:
        super().__init__()
        self.timings = timings
        """The whole blocks that were done, perhaps none."""


def interleave(
    arms: Mapping[str, Callable[[], object]],
    *,
    seconds: float = 10.0,
    min_rounds: int = 40,
    warmup_seconds: float = 0.5,
    seed: int = 0,
    prepare: Callable[[int], object] | None = None,
    clock: Callable[[], int] = time.perf_counter_ns,
) -> InterleavedTimings:
    """Time callables beside each other, each once in every round, in random balanced order.

    The number of rounds is settled by the warm-up, before the first sample, so that no result can decide when to
    stop. Time two sessions with more than one thread each in processes of their own: idle pools that spin disturb
    their neighbors.

    Args:
        arms: Name to callable; what it returns is dropped.
        seconds: About how long the measured part takes, warm-up not counted.
        min_rounds: Rounds to run even if that takes longer.
        warmup_seconds: Time spent on each arm before the first sample.
        seed: Of the random orders.
        prepare: Called with the number of the block before each of its rounds, not timed: to choose an input that is
            the same for every arm, or to wait.
        clock: Nanoseconds from any origin.

    Raises:
        InputError: no arm was given, or a duration is not positive.
        InterruptedTiming: interrupted by Ctrl-C; it is a KeyboardInterrupt that holds the blocks done so far.
    """
    if not arms or seconds <= 0 or min_rounds < 1:
        raise InputError(f"{len(arms)} arms, {seconds} s, {min_rounds} rounds: give at least one of each")
    names, calls = list(arms), list(arms.values())
    rng = np.random.default_rng(seed)
    with _quiet_collector():
        round_ns = sum(_warm_up(call, warmup_seconds, clock) for call in calls)
        rounds = _rounds(seconds * 1e9 / max(round_ns, 1.0), min_rounds)
        samples = np.zeros((len(calls), rounds), dtype=np.int64)
        timer_ns = timer_cost(clock)
        done = 0
        try:
            for order in _orders(len(calls), rounds, rng):
                if prepare is not None:
                    prepare(done // ROUNDS_PER_BLOCK)
                for arm in order:
                    call = calls[arm]
                    start = clock()
                    call()
                    samples[arm, done] = clock() - start
                done += 1
        except KeyboardInterrupt as interrupt:
            whole = samples[:, : done - done % ROUNDS_PER_BLOCK]
            raise InterruptedTiming(_timings(names, whole, timer_ns, seed)) from interrupt
    return _timings(names, samples, timer_ns, seed)


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


def timer_cost(clock: Callable[[], int] = time.perf_counter_ns, readings: int = 1001) -> float:
    """Return the median nanoseconds between two readings of `clock` with nothing between them."""
    pairs = [-clock() + clock() for _ in range(readings)]
    return float(np.median(pairs))


def _timings(names: list[str], samples: NDArray[np.int64], timer_ns: float, seed: int) -> InterleavedTimings:
    return InterleavedTimings(dict(zip(names, samples, strict=True)), timer_ns, seed)


def _verdict(ratio: Interval, margin: float) -> Time:
    if margin > 0 and 1 / (1 + margin) <= ratio.low and ratio.high <= 1 + margin:
        return Time.SAME
    if ratio.high < 1:
        return Time.FASTER
    return Time.SLOWER if ratio.low > 1 else Time.INCONCLUSIVE


def _warm_up(call: Callable[[], object], seconds: float, clock: Callable[[], int]) -> float:
    """Run `call` for `seconds` and return the median duration of its later half in nanoseconds."""
    durations: list[int] = []
    begin = clock()
    while len(durations) < WARMUP_CALLS or (clock() - begin < seconds * 1e9 and len(durations) < MAX_ROUNDS):
        start = clock()
        call()
        durations.append(clock() - start)
    return float(np.median(durations[len(durations) // 2 :]))


def _rounds(affordable: float, min_rounds: int) -> int:
    """Return whole blocks of rounds: what time affords, but at least `min_rounds`."""
    wanted = max(min(affordable, MAX_ROUNDS), min_rounds)
    return math.ceil(wanted / ROUNDS_PER_BLOCK) * ROUNDS_PER_BLOCK


def _orders(arms: int, rounds: int, rng: np.random.Generator) -> Iterator[Sequence[int]]:
    """Yield an order of arms for each round: a random one, then its reverse (for two arms, ABBA or BAAB)."""
    for _ in range(rounds // ROUNDS_PER_BLOCK):
        order = rng.permutation(arms).tolist()
        yield order
        yield order[::-1]


@contextmanager
def _quiet_collector() -> Iterator[None]:
    """Keep the garbage collector from running inside a sample."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
