"""Texts of each length apart, one at a time: a text's length decides what it costs. Nothing for other inputs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from edge_benchmarks.bench.scenarios.attempts import measure_steadily, model_phase, whole_phase
from edge_benchmarks.bench.scenarios.interface import Phase, Plan, State

NAME = "by-length"

SHARE = 0.125
"""Of the run's seconds, for each length; the models alone take half as long."""


def measure(plan: Plan, state: State) -> None:
    """Time the whole path, tokenization included, and the models alone, each length after the other."""
    for bucket in plan.lengths.buckets if plan.lengths else ():
        scenario = f"{NAME}/tokens={bucket.tokens}"
        fed = replace(plan, inputs=bucket.inputs, files=[one.on_disk(plan.folder) for one in bucket.inputs])
        said = f"{NAME}, texts of up to {bucket.tokens} tokens"
        whole = partial(_whole, fed, scenario, bucket.share)
        measure_steadily(fed, state, said, whole, levels=len(bucket.inputs) == 1)
        measure_steadily(fed, state, f"{said}, models alone", partial(_alone, fed, scenario, bucket.share))


def _whole(plan: Plan, scenario: str, share: float | None, number: int) -> tuple[Phase, bool]:
    phase, stopped = whole_phase(plan, scenario, plan.seconds * SHARE, number)
    return replace(phase, share=share), stopped


def _alone(plan: Plan, scenario: str, share: float | None, number: int) -> tuple[Phase, bool]:
    phase, stopped = model_phase(plan, scenario, plan.seconds * SHARE / 2, number)
    return replace(phase, share=share), stopped
