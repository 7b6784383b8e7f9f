"""Fresh processes, the variants in turn; part of every benchmark that asks for any."""

from __future__ import annotations

from typing import Any

from edge_benchmarks.bench.cold_start import measure_cold_start
from edge_benchmarks.bench.scenarios.interface import Plan, State


def measure_cold_starts(plan: Plan, state: State) -> None:
    """Start fresh processes, the variants in turn, so that a slow minute hits all of them alike.

    Raises:
        KeyboardInterrupt: Ctrl-C; the processes that had ended by then are kept.
    """
    data = plan.inputs[0].data
    for index in range(plan.cold_starts):
        plan.say(f"starting fresh processes, {index + 1} of {plan.cold_starts}")
        for arm in plan.arms:
            fed, plain = (arm.feeds, True) if arm.feeds is not None else (data, False)
            options: dict[str, Any] = {"device": plan.device, "threads": arm.facts.threads, "plain": plain}
            start = measure_cold_start(arm.path, arm.facts.variant, fed, **options)
            state.cold_starts.setdefault(arm.name, []).append(start)
        plan.watch.look(busy=False)
    state.save()
