"""MLPerf's offline: all inputs are there from the start and are answered in batches; what counts is the rate."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from edge_benchmarks.bench.scenarios.attempts import measure_steadily, model_phase
from edge_benchmarks.bench.scenarios.interface import Phase, Plan, State

NAME = "offline"

SHARE = 0.125
"""Of the run's seconds, for each batch size."""


def measure(plan: Plan, state: State) -> None:
    """Time the models alone on whole batches, of each size that was asked for."""
    seconds = plan.seconds * SHARE
    for batch in plan.batches:
        scenario = f"{NAME}/batch={batch}"
        measure_steadily(
            plan,
            state,
            f"{NAME}, models alone on batches of {batch}, for {seconds:g} s",
            partial(_phase, plan, scenario, seconds, batch),
        )


def _phase(plan: Plan, scenario: str, seconds: float, batch: int, number: int) -> tuple[Phase, bool]:
    phase, stopped = model_phase(plan, scenario, seconds, number, batch)
    return replace(phase, counts="throughput"), stopped
