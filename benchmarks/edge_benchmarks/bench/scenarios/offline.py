"""MLPerf's offline: all inputs are there from the start and are answered in batches; what counts is the rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.bench.scenarios.apart import take_turns_apart
from edge_benchmarks.bench.scenarios.attempts import measure_steadily, model_phase, take_turns
from edge_benchmarks.bench.scenarios.interface import Phase, Plan, State
from edge_benchmarks.timing.workers import WHOLE_LIST

if TYPE_CHECKING:
    from edge_runtime import Model

NAME = "offline"

SHARE = 0.125
"""Of the run's seconds, for each batch size, and for a list of texts."""

FEWEST_LISTS = 12
"""Times that each arm answers the list: enough for bounds on the median, and a list takes as long as its texts."""


def measure(plan: Plan, state: State) -> None:
    """Time the models alone on whole batches, of each size that was asked for, and a list of texts of many lengths."""
    seconds = plan.seconds * SHARE
    for batch in plan.batches:
        scenario = f"{NAME}/batch={batch}"
        measure_steadily(
            plan,
            state,
            f"{NAME}, models alone on batches of {batch}, for {seconds:g} s",
            partial(_phase, plan, scenario, seconds, batch),
        )
    if plan.lengths and len(plan.whole_arms) == len(plan.arms):
        fed = replace(plan, inputs=plan.lengths.listed, files=())
        said = f"{NAME}, lists of {len(fed.inputs)} texts of many lengths, for {seconds:g} s"
        padding = {arm.name: padding_share(arm.model, [one.data for one in fed.inputs]) for arm in fed.whole_arms}
        measure_steadily(fed, state, said, partial(_list_phase, fed, seconds, padding))


def padding_share(model: Model | None, texts: list[bytes]) -> float:
    """Return which share of the tokens that `predict` computes for a list is padding, or read again by another window.

    It is counted on the batches that it makes.
    """
    from edge_runtime.model import MAX_BATCH
    from edge_runtime.preprocessing import make_preprocessor

    assert model is not None
    preprocess = make_preprocessor(model.manifest.preprocessing, model.bundle.read)
    size = 1 if model.variant.inputs[0].shape[0] == 1 else MAX_BATCH
    computed: list[int] = []

    def run(rows: NDArray[Any]) -> NDArray[Any]:
        computed.append(rows.size)
        return np.zeros((len(rows), 1))

    for _, batch in preprocess.batches(texts, None, size):
        preprocess.ask(batch, run, lambda parts, _: parts[0])
    return 1.0 - sum(preprocess(text).size for text in texts) / sum(computed)


def _phase(plan: Plan, scenario: str, seconds: float, batch: int, number: int) -> tuple[Phase, bool]:
    phase, stopped = model_phase(plan, scenario, seconds, number, batch)
    return replace(phase, counts="throughput"), stopped


def _list_phase(plan: Plan, seconds: float, padding: dict[str, float], number: int) -> tuple[Phase, bool]:
    """Time `predict` of the whole list, from texts to answers."""
    texts = [one.data for one in plan.inputs]
    if plan.apart:
        apart = take_turns_apart(plan, seconds, number, WHOLE_LIST)
        timings, stopped = apart.timings, apart.stopped
    else:
        calls: dict[str, Callable[[], object]] = {
            arm.name: partial(arm.model.predict, texts) for arm in plan.arms if arm.model is not None
        }
        timings, stopped = take_turns(plan, calls, seconds, number, fewest=FEWEST_LISTS)
    scenario = f"{NAME}/texts={len(texts)}"
    phase = Phase(scenario, "end-to-end", timings, items=len(texts), counts="throughput", padding=padding)
    return phase, stopped
