"""MLPerf's single-stream: one input at a time, the next when the last is answered; whole by stage, and model alone."""

from __future__ import annotations

from edge_benchmarks.bench.scenarios.attempts import measure_steadily, model_phase, whole_phase
from edge_benchmarks.bench.scenarios.interface import Plan, State

NAME = "single-stream"

MODEL_SHARE = 0.25
"""Of the run's seconds, for the models alone."""


def measure(plan: Plan, state: State) -> None:
    """Time the whole path for as long as was asked for, and the models alone for a quarter of it."""
    if plan.whole_arms:
        said = f"{NAME}, from input to answer, for {plan.seconds:g} s"
        # Several inputs take turns, so a change of level is the inputs' as much as the machine's.
        levels = len(plan.inputs) == 1
        measure_steadily(plan, state, said, lambda number: whole_phase(plan, NAME, plan.seconds, number), levels=levels)
    seconds = plan.seconds * MODEL_SHARE
    said = f"{NAME}, models alone, for {seconds:g} s"
    measure_steadily(plan, state, said, lambda number: model_phase(plan, NAME, seconds, number))
