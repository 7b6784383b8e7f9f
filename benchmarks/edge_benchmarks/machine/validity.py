"""What makes a measurement invalid: latencies that moved while they were measured, and conditions that changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edge_benchmarks.statistics.levels import find_stretch
from edge_benchmarks.timing import InterleavedTimings, judge_time
from edge_benchmarks.verdicts import Time

SMALLEST_SHIFT = 0.10
"""A median latency that moves by more than this while it is measured is not one number."""

SLOWEST_CLOCK = 0.90
"""Share of its first third's median under which the clock's last third must not fall."""

FEWEST_LOOKS = 6
"""Looks at the clock from which on its thirds are compared."""

MOST_STOLEN = 0.10
"""CPUs that other guests of the host may take; under it the host's own timer shows."""

MOST_CROWDED = 0.5
"""CPUs by which others and the measurement together may ask for more than there are."""

CROWDED = "other programs used"
"""How the problem of too few CPUs begins, so that a report says it once."""


def unsteady(timings: InterleavedTimings, baseline: str, *, levels: bool = True, paired: bool = True) -> list[str]:
    """Say which arms did not hold still while they were measured.

    Args:
        timings: Of one phase.
        baseline: Arm whose ratio to the others must hold still.
        levels: Whether each arm's own latency must hold still too: not where inputs of several kinds take turns.
        paired: Whether arms took turns, so that they have a ratio.
    """
    found = _shifts(timings) if levels else []
    if paired and baseline in timings.samples_ns:
        others = [name for name in timings.samples_ns if name != baseline]
        verdicts = {name: judge_time(timings, name, baseline) for name in others}
        found += [f"{name}: {one.reason}" for name, one in verdicts.items() if one.verdict is Time.INVALID]
    return found


def _shifts(timings: InterleavedTimings) -> list[str]:
    found = []
    for name, samples in timings.samples_ns.items():
        stretch = find_stretch(np.log(timings.blocks(name)), math.log1p(SMALLEST_SHIFT))
        if stretch is not None:
            share = math.expm1(stretch.change)
            per_sample = len(samples) / len(timings.blocks(name))
            where = f"from call {round(stretch.start * per_sample):,} to {round(stretch.stop * per_sample):,}"
            found.append(f"{name}: latency moved by {share:+.0%} {where} of {len(samples):,}; quiet the machine")
    return found


def condition_problems(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    looks: Sequence[Sequence[Mapping[str, Any]]],
    threads: int,
    cpus: int,
) -> list[str]:
    """Say which conditions of the machine make a measurement invalid; facts that a system does not tell say nothing.

    Args:
        before: `environment.conditions` before the first call.
        after: The same after the last one, with `others_cpus` and `steal_cpus`, on average over the measurement.
        looks: `environment.look`, while it was measured, phase by phase.
        threads: That the measurement kept busy.
        cpus: Logical CPUs of the machine.
    """
    everything = [before, *(one for phase in looks for one in phase), after]
    found = [*_throttling(before, after, everything), *(line for phase in looks for line in _falling_clock(phase))]
    if before.get("governor") != after.get("governor"):
        found.append(f"the clock's governor changed from {before.get('governor')} to {after.get('governor')}")
    stolen = after.get("steal_cpus") or 0.0
    if stolen > MOST_STOLEN:
        found.append(f"other guests of the host took {stolen:.2f} CPUs; measure on a quieter host")
    others = after.get("others_cpus") or 0.0
    if others + threads > cpus + MOST_CROWDED:
        found.append(
            f"{CROWDED} {others:.1f} of {cpus} CPUs and {threads} were being measured: they waited for each "
            "other; stop the others, or pin both"
        )
    return found


def _throttling(
    before: Mapping[str, Any], after: Mapping[str, Any], everything: Sequence[Mapping[str, Any]]
) -> list[str]:
    first, last = before.get("throttle_count"), after.get("throttle_count")
    if first is not None and last is not None and last > first:
        return [f"the CPU was slowed {last - first} times for its heat; cool it"]
    slowed = max((one.get("cooling_state") or 0 for one in everything), default=0)
    if slowed:
        return [f"the system slowed the CPU to cool it (cooling state {slowed}); cool it"]
    if any(one.get("firmware_throttled") for one in everything):
        return ["the board's firmware slowed the CPU for heat or for a low voltage; cool it, or give it more power"]
    return []


def _falling_clock(looks: Sequence[Mapping[str, Any]]) -> list[str]:
    clocks = [one["frequency_mhz"] for one in looks if one.get("frequency_mhz")]
    if len(clocks) < FEWEST_LOOKS:
        return []
    third = len(clocks) // 3
    first, last = float(np.median(clocks[:third])), float(np.median(clocks[-third:]))
    if last >= SLOWEST_CLOCK * first:
        return []
    return [f"the CPU's clock fell from {first:.0f} to {last:.0f} MHz while it was measured; cool it, or fix its clock"]
