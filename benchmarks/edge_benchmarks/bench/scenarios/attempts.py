"""One phase, measured again where the machine did not hold still."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from edge_benchmarks.bench.scenarios.apart import take_turns_apart
from edge_benchmarks.bench.scenarios.interface import Phase, Plan, State
from edge_benchmarks.bench.stages import Feed, StagedCall
from edge_benchmarks.machine.validity import unsteady
from edge_benchmarks.timing import InterleavedTimings, InterruptedTiming, interleave

ATTEMPTS = 3
"""Times a phase is measured in the hope of a machine that holds still. What decides is only whether it did."""

FEWEST_ROUNDS = 40
"""Calls of each arm, even if they take longer than a phase should."""

Measure = Callable[[int], tuple[Phase, bool]]
"""Measures a phase once, given the number of the attempt from 0; with whether Ctrl-C ended it early."""


def measure_steadily(plan: Plan, state: State, what: str, measure: Measure, *, levels: bool = True) -> None:
    """Measure a phase until nothing changes in it, at most `ATTEMPTS` times, and keep the last attempt.

    Args:
        plan: Of the run.
        state: Where the phase is kept.
        what: What is measured, for the progress display.
        measure: Measures once.
        levels: Whether an arm's own latency must hold still, and not only its ratio to the baseline's.

    Raises:
        KeyboardInterrupt: Ctrl-C; what was measured by then is kept.
    """
    found: list[str] = []
    for number in range(ATTEMPTS):
        plan.say(f"{what}, again: the latency moved" if number else what)
        plan.watch.begin(again=number > 0)
        phase, stopped = measure(number)
        if phase.timings.rounds:
            # Where more calls come than can be answered, latency grows for as long as one measures.
            still = levels and all(rate.reached for rate in phase.rates.values())
            found = unsteady(phase.timings, plan.baseline, levels=still, paired=phase.paired)
            state.keep(replace(phase, problems=tuple(found), attempts=number + 1))
        if stopped:
            raise KeyboardInterrupt
        if not found:
            break
    state.save()


def take_turns(
    plan: Plan,
    calls: Mapping[str, Callable[[], object]],
    seconds: float,
    number: int,
    feed: Feed | None = None,
    *,
    fewest: int = FEWEST_ROUNDS,
) -> tuple[InterleavedTimings, bool]:
    """Time arms side by side for `seconds`, or longer for `fewest` rounds; also tell whether Ctrl-C ended it early."""

    def prepare(block: int) -> None:
        plan.watch.look()
        if feed is not None:
            feed.prepare(block)

    try:
        timings = interleave(
            calls,
            seconds=seconds,
            min_rounds=fewest,
            warmup_seconds=plan.warmup,
            seed=plan.seed + number,
            prepare=prepare,
        )
    except InterruptedTiming as interrupt:
        return interrupt.timings, True
    return timings, False


def whole_phase(plan: Plan, scenario: str, seconds: float, number: int) -> tuple[Phase, bool]:
    """Time the whole path, from file to answer, by stage."""
    if plan.apart:
        apart = take_turns_apart(plan, seconds, number)
        return Phase(scenario, "end-to-end", apart.timings, stages=apart.stages), apart.stopped
    feed = Feed(plan.files)
    calls: dict[str, StagedCall] = {arm.name: feed.arm(arm.model) for arm in plan.arms if arm.model is not None}
    timings, stopped = take_turns(plan, calls, seconds, number, feed)
    stages = {name: call.stages_ns(timings.rounds) for name, call in calls.items()}
    return Phase(scenario, "end-to-end", timings, stages=stages), stopped


def model_phase(plan: Plan, scenario: str, seconds: float, number: int, batch: int = 1) -> tuple[Phase, bool]:
    """Time the models alone, from tensor to logits, on `batch` copies of an input."""
    if plan.apart:
        apart = take_turns_apart(plan, seconds, number, batch)
        return Phase(scenario, "model", apart.timings, items=batch), apart.stopped
    calls = {arm.name: arm.model_call(plan.inputs[0].data, batch) for arm in plan.arms}
    timings, stopped = take_turns(plan, calls, seconds, number)
    return Phase(scenario, "model", timings, items=batch), stopped
