"""Arms that take turns in processes of their own: thread pools of one process that spin would slow each other."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.bench.scenarios.interface import Plan
from edge_benchmarks.bench.stages import STAGES
from edge_benchmarks.timing import ROUNDS_PER_BLOCK, InterleavedTimings, timer_cost
from edge_benchmarks.timing.warm_up import LONGEST, WARMUP_CALLS, is_settled
from edge_benchmarks.timing.warm_up import MOST_CALLS as MOST_WARMUP_CALLS
from edge_benchmarks.timing.workers import Turn, Worker, WorkerSpec, running

TURN_SECONDS = 0.020
"""About how long a turn lasts: long beside the wake-up of a process, short beside the changes of a busy machine."""

MOST_CALLS = 1_000
"""Of one turn, for models that take microseconds."""

FEWEST_BLOCKS = 10
"""A block is one random order of the arms and then its reverse."""


@dataclass(frozen=True)
class Apart:
    """What arms in processes of their own took."""

    timings: InterleavedTimings
    stages: dict[str, dict[str, NDArray[np.int64]]]
    """Arm to stage to nanoseconds, aligned with `timings`; empty for models alone."""
    stopped: bool
    """Whether Ctrl-C ended it early."""


def take_turns_apart(plan: Plan, seconds: float, number: int, batch: int = 0) -> Apart:
    """Time the arms in fresh processes, in turns of random balanced order; this process sleeps meanwhile.

    How many calls a turn has and how many turns there are is settled by the warm-up.

    Args:
        plan: Of the run.
        seconds: About how long calls are measured.
        number: Of the attempt; the seed of the order depends on it.
        batch: 0 for the whole path, `WHOLE_LIST` for the list of all inputs, else the models alone on so many copies of
            the first input.
    """
    inputs = [one.data for one in plan.inputs]
    rounds: list[dict[str, Turn]] = []
    stopped = False
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for arm in plan.arms:
            spec = WorkerSpec(arm.path, arm.facts.variant, inputs, plan.device, arm.facts.threads, files=plan.files)
            workers[arm.name], _ = stack.enter_context(running(spec, warmup_seconds=0.0))
        calls, blocks = _length([_warm_up(worker, plan.warmup, batch) for worker in workers.values()], seconds)
        rng = np.random.default_rng(plan.seed + number)
        try:
            for block in range(blocks):
                plan.watch.look()
                order = [list(workers)[place] for place in rng.permutation(len(workers))]
                which = 0 if batch else block
                for turn in (order, order[::-1]):
                    rounds.append({name: workers[name].turn(calls, which, batch) for name in turn})
        except KeyboardInterrupt:
            stopped = True
    whole = rounds[: len(rounds) - len(rounds) % ROUNDS_PER_BLOCK]
    samples = {name: _joined([one[name].whole_ns for one in whole]) for name in workers}
    timings = InterleavedTimings(samples, timer_cost(), plan.seed + number, calls)
    return Apart(timings, {} if batch else {name: _stages([one[name] for one in whole]) for name in workers}, stopped)


def _warm_up(worker: Worker, seconds: float, batch: int) -> float:
    """Let a worker call until its calls no longer get quicker, as the timer of one process does; return seconds."""
    durations = worker.turn(WARMUP_CALLS, 0, batch).whole_ns
    begin, wanted = time.monotonic(), seconds
    while len(durations) < MOST_WARMUP_CALLS:
        elapsed = time.monotonic() - begin
        if elapsed >= wanted:
            if elapsed >= LONGEST * seconds or is_settled(durations):
                break
            wanted *= 1.5
        calls = round(TURN_SECONDS * 1e9 / max(durations[-1], 1))
        durations += worker.turn(min(max(calls, 1), MOST_CALLS), 0, batch).whole_ns
    return float(np.median(durations[-(len(durations) // 3) :])) / 1e9


def _length(call_seconds: list[float], seconds: float) -> tuple[int, int]:
    """Return calls a turn and blocks; every turn has one call more, which is not measured."""
    mean = max(float(np.mean(call_seconds)), 1e-7)
    calls = min(max(round(TURN_SECONDS / mean), 1), MOST_CALLS)
    turns = ROUNDS_PER_BLOCK * len(call_seconds)
    return calls, max(round(seconds / (turns * (calls + 1) * mean)), FEWEST_BLOCKS)


def _stages(turns: list[Turn]) -> dict[str, NDArray[np.int64]]:
    return {
        stage: _joined([one.infer_ns if stage == "infer" else one.stages_ns[stage] for one in turns])
        for stage in STAGES
    }


def _joined(parts: list[list[int]]) -> NDArray[np.int64]:
    return np.concatenate([np.asarray(part, dtype=np.int64) for part in parts]) if parts else np.zeros(0, np.int64)
