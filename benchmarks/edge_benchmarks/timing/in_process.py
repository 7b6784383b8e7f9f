"""The paired timer for callables of one process: random balanced order, and a length that no result can decide."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.timing.interleaved import ROUNDS_PER_BLOCK, InterleavedTimings, InterruptedTiming
from edge_benchmarks.timing.warm_up import warm_up
from edge_runtime.errors import InputError

MAX_ROUNDS = 10_000
"""More samples of one arm would not narrow an interval that anyone reads."""


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
        warmup_seconds: Time spent on each arm before the first sample, at least; more where it still gets quicker.
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
        round_ns = sum(warm_up(call, warmup_seconds, clock) for call in calls)
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


def timer_cost(clock: Callable[[], int] = time.perf_counter_ns, readings: int = 1001) -> float:
    """Return the median nanoseconds between two readings of `clock` with nothing between them."""
    pairs = [-clock() + clock() for _ in range(readings)]
    return float(np.median(pairs))


def _timings(names: list[str], samples: NDArray[np.int64], timer_ns: float, seed: int) -> InterleavedTimings:
    return InterleavedTimings(dict(zip(names, samples, strict=True)), timer_ns, seed)


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
