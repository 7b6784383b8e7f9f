"""The phases of a benchmark, each leaving what it measured in one state, so that an interrupt loses little."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.cold_start import ColdStart, measure_cold_start
from edge_benchmarks.inputs import BenchInput
from edge_benchmarks.stages import Feed, StagedCall
from edge_benchmarks.statistics import find_change
from edge_benchmarks.timing import InterleavedTimings, InterruptedTiming, interleave, judge_time
from edge_benchmarks.verdicts import Time

if TYPE_CHECKING:
    from edge_runtime import Model

SMALLEST_SHIFT = 0.10
"""A median latency that moves by more than this while it is measured is not one number."""

LONGEST_WARMUP = 0.5
"""Seconds; a shorter run warms up for a quarter of it."""

ATTEMPTS = 3
"""Times the end-to-end run is made in the hope of a machine that holds still. What decides is only whether it did."""


@dataclass(frozen=True)
class Arm:
    """A loaded variant whose golden vectors passed here."""

    name: str
    path: Path
    model: Model
    golden_cases: int


@dataclass(frozen=True)
class Plan:
    """What to measure and for how long."""

    arms: Sequence[Arm]
    baseline: str
    """Arm that the others are compared with."""
    inputs: Sequence[BenchInput]
    device: Literal["cpu", "cuda"]
    threads: int | None
    seconds: float
    batch: int
    cold_starts: int
    seed: int
    say: Callable[[str], object]

    @property
    def warmup(self) -> float:
        """Seconds of warm-up for each arm in each phase."""
        return min(LONGEST_WARMUP, self.seconds / 4)


@dataclass
class State:
    """What has been measured so far."""

    whole: InterleavedTimings | None = None
    """From encoded image to answer."""
    stages: dict[str, dict[str, NDArray[np.int64]]] = field(default_factory=dict)
    """Arm to stage to nanoseconds, aligned with `whole`."""
    model: InterleavedTimings | None = None
    """From tensor to logits, one image."""
    offline: InterleavedTimings | None = None
    """From tensor to logits, a whole batch."""
    cold_starts: dict[str, list[ColdStart]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    attempts: int = 0

    def samples(self) -> dict[str, Any]:
        """Return the raw durations as a JSON-ready dictionary."""
        phases = {"end_to_end": self.whole, "model": self.model, "offline": self.offline}
        stages = {arm: {stage: ns.tolist() for stage, ns in stages.items()} for arm, stages in self.stages.items()}
        return {name: timings.to_dict() for name, timings in phases.items() if timings is not None} | {"stages": stages}


def run_phases(plan: Plan, state: State) -> bool:
    """Run every phase; return whether they were interrupted by Ctrl-C, with what was measured left in `state`."""
    try:
        measure_whole(plan, state)
        measure_model(plan, state)
        measure_offline(plan, state)
        measure_cold_starts(plan, state)
    except KeyboardInterrupt:
        return True
    return False


def measure_whole(plan: Plan, state: State) -> None:
    """Time the whole path, again where the machine did not hold still."""
    for attempt in range(ATTEMPTS):
        again = ", again: the latency moved" if attempt else ""
        plan.say(f"timing {len(plan.arms)} variants from image to answer for {plan.seconds:g} s{again}")
        state.attempts = attempt + 1
        feed = Feed([one.data for one in plan.inputs])
        calls = {arm.name: feed.arm(arm.model) for arm in plan.arms}
        try:
            timings = interleave(
                calls,
                seconds=plan.seconds,
                warmup_seconds=plan.warmup,
                seed=plan.seed + attempt,
                prepare=feed.prepare,
            )
        except InterruptedTiming as interrupt:
            _keep(state, interrupt.timings, calls)
            raise
        _keep(state, timings, calls)
        # Several inputs take turns, so a change of level is the inputs' as much as the machine's.
        state.problems = _shifts(timings) if len(plan.inputs) == 1 else []
        state.problems += _unsteady_ratios(timings, plan.baseline)
        if not state.problems:
            return


def measure_model(plan: Plan, state: State) -> None:
    """Time the models alone, one image at a time, for a quarter as long."""
    plan.say(f"timing the models alone for {plan.seconds / 4:g} s")
    try:
        state.model = _interleave_models(plan, 1, plan.seconds / 4)
    except InterruptedTiming as interrupt:
        state.model = interrupt.timings
        raise


def measure_offline(plan: Plan, state: State) -> None:
    """Time the models on whole batches, for an eighth as long."""
    plan.say(f"timing batches of {plan.batch} for {plan.seconds / 8:g} s")
    try:
        state.offline = _interleave_models(plan, plan.batch, plan.seconds / 8)
    except InterruptedTiming as interrupt:
        state.offline = interrupt.timings
        raise


def measure_cold_starts(plan: Plan, state: State) -> None:
    """Start fresh processes, the variants in turn, so that a slow minute hits all of them alike."""
    data = plan.inputs[0].data
    for index in range(plan.cold_starts):
        plan.say(f"starting fresh processes, {index + 1} of {plan.cold_starts}")
        for arm in plan.arms:
            name = arm.model.variant.name
            start = measure_cold_start(arm.path, name, data, device=plan.device, threads=plan.threads)
            state.cold_starts.setdefault(arm.name, []).append(start)


def _keep(state: State, timings: InterleavedTimings, calls: Mapping[str, StagedCall]) -> None:
    state.whole = timings
    state.stages = {name: call.stages_ns(timings.rounds) for name, call in calls.items()}


def _shifts(timings: InterleavedTimings) -> list[str]:
    """Say which arms changed their level while they were measured."""
    found = []
    for name in timings.samples_ns:
        change = find_change(np.log(timings.blocks(name)))
        if change is not None and abs(change.after - change.before) > math.log1p(SMALLEST_SHIFT):
            share = math.expm1(change.after - change.before)
            found.append(f"{name}: latency moved by {share:+.0%} while it was measured; quiet the machine, run again")
    return found


def _unsteady_ratios(timings: InterleavedTimings, baseline: str) -> list[str]:
    """Say which arms got quicker or slower against the baseline while they were measured."""
    verdicts = {name: judge_time(timings, name, baseline) for name in timings.samples_ns if name != baseline}
    return [f"{name}: {one.reason}" for name, one in verdicts.items() if one.verdict is Time.INVALID]


def _interleave_models(plan: Plan, batch: int, seconds: float) -> InterleavedTimings:
    calls = {arm.name: _model_call(arm.model, plan.inputs[0].data, batch) for arm in plan.arms}
    return interleave(calls, seconds=seconds, warmup_seconds=plan.warmup, seed=plan.seed)


def _model_call(model: Model, data: bytes, batch: int) -> Callable[[], object]:
    tensor = model.preprocess(model.decode(data))
    stacked = np.repeat(tensor[np.newaxis], batch, axis=0)
    return lambda: model.infer(stacked)
