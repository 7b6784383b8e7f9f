"""Arms that take turns in processes of their own: thread pools of one process that spin would slow each other."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.scenarios.interface import Plan
from edge_benchmarks.stages import STAGES
from edge_benchmarks.timing import ROUNDS_PER_BLOCK, InterleavedTimings, timer_cost
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
        batch: 0 for the whole path, else the models alone on so many copies of the first input.
    """
    inputs = [one.data for one in plan.inputs]
    rounds: list[dict[str, Turn]] = []
    stopped = False
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for arm in plan.arms:
            spec = WorkerSpec(arm.path, arm.facts.variant, inputs, plan.device, plan.threads, files=plan.files)
            workers[arm.name], _ = stack.enter_context(running(spec, warmup_seconds=plan.warmup))
        calls, blocks = _length(workers, seconds, batch)
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


def _length(workers: dict[str, Worker], seconds: float, batch: int) -> tuple[int, int]:
    """Return calls a turn and blocks; every turn has one call more, which is not measured."""
    trials = [worker.turn(3, 0, batch).whole_ns for worker in workers.values()]
    round_seconds = sum(float(np.median(trial)) for trial in trials) / 1e9
    mean = max(round_seconds / len(workers), 1e-7)
    calls = min(max(round(TURN_SECONDS / mean), 1), MOST_CALLS)
    return calls, max(round(seconds / (ROUNDS_PER_BLOCK * len(workers) * (calls + 1) * mean)), FEWEST_BLOCKS)


def _stages(turns: list[Turn]) -> dict[str, NDArray[np.int64]]:
    return {
        stage: _joined([one.infer_ns if stage == "infer" else one.stages_ns[stage] for one in turns])
        for stage in STAGES
    }


def _joined(parts: list[list[int]]) -> NDArray[np.int64]:
    return np.concatenate([np.asarray(part, dtype=np.int64) for part in parts]) if parts else np.zeros(0, np.int64)
