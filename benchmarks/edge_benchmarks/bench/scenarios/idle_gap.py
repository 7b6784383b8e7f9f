"""An idle gap before each call, as a camera at a door has it: clocks fall, caches and thread pools go cold."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.bench.scenarios.attempts import measure_steadily
from edge_benchmarks.bench.scenarios.interface import Phase, Plan, State
from edge_benchmarks.bench.stages import Feed, StagedCall
from edge_benchmarks.timing import InterleavedTimings, timer_cost
from edge_benchmarks.timing.warm_up import warm_up

NAME = "idle-gap"

SHARE = 0.25
"""Of the run's seconds, for each gap; a long gap takes longer, for the sake of `FEWEST_ROUNDS`."""

FEWEST_ROUNDS = 8
"""Calls of each arm; the median needs 6 of them to have bounds."""

MOST_ROUNDS = 2_000


def measure(plan: Plan, state: State) -> None:
    """Time one input at a time, each gap after the other, the arms in turn."""
    for gap in plan.gaps:
        rounds = _rounds(plan, gap)
        seconds = rounds * gap * len(plan.arms)
        said = f"{NAME}, {gap:g} s before each of {rounds} calls, about {seconds:.0f} s"
        measure_steadily(plan, state, said, partial(_phase, plan, gap, rounds))


def _rounds(plan: Plan, gap: float) -> int:
    affordable = plan.seconds * SHARE / max(gap, 1e-3) / len(plan.arms)
    return 2 * round(min(max(affordable, FEWEST_ROUNDS), MOST_ROUNDS) / 2)


def _phase(plan: Plan, gap: float, rounds: int, number: int) -> tuple[Phase, bool]:
    feed = Feed(plan.files)
    whole: dict[str, StagedCall] = {arm.name: feed.arm(arm.model) for arm in plan.arms if arm.model is not None}
    calls: dict[str, Callable[[], object]] = {**whole} or {
        arm.name: arm.model_call(plan.inputs[0].data, 1) for arm in plan.arms
    }
    for call in calls.values():
        warm_up(call, 0.0 if gap else plan.warmup, time.perf_counter_ns)  # after a gap nothing stays warm
    feed.prepare(0)
    samples = np.zeros((len(calls), rounds), dtype=np.int64)
    done, stopped = 0, False
    rng = np.random.default_rng(plan.seed + number)
    try:
        while done < rounds:
            order = rng.permutation(len(calls)).tolist()
            feed.prepare(done // 2)
            # A random order and its reverse, as the interleaved timer takes; there no arm but the first would idle.
            for turn in (order, order[::-1]):
                for place in turn:
                    samples[place, done] = _call_after(gap, plan, list(calls.values())[place])
                done += 1
    except KeyboardInterrupt:
        stopped = True
    kept: NDArray[np.int64] = samples[:, : done - done % 2]
    timings = InterleavedTimings(dict(zip(calls, kept, strict=True)), timer_cost(), plan.seed + number)
    stages = {name: call.stages_ns(timings.rounds) for name, call in whole.items()}
    return Phase(f"{NAME}/{gap:g}s", plan.widest, timings, stages=stages), stopped


def _call_after(gap: float, plan: Plan, call: Callable[[], object]) -> int:
    plan.watch.look(busy=gap == 0)
    if gap:
        time.sleep(gap)
    start = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - start
