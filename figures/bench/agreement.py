"""Does `edge bench` report what a bare loop over `session.run` measures, in the same process?"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from interface import Figure
from runtime.networks import USUAL, usual_bundle

from edge_benchmarks.bench.arms import Arm, open_bundle_arms
from edge_benchmarks.bench.rows import rows_of
from edge_benchmarks.bench.scenarios.attempts import model_phase
from edge_benchmarks.bench.scenarios.interface import Plan
from edge_benchmarks.inputs import synthetic_photo
from edge_benchmarks.machine.watch import Watch
from edge_benchmarks.statistics import median_ratio

PAIRS = 16
"""Of a phase of the bench and a bare loop, in turn."""

SECONDS = 0.5
"""Of each."""

MOST_APART = 0.02


def measure() -> list[Figure]:
    """Let the bench's own phase and a bare loop take turns on one session, and compare their medians."""
    (arm,) = open_bundle_arms(usual_bundle(), "", "cpu", 1, None)
    photo = synthetic_photo()
    with TemporaryDirectory() as folder:
        plan = Plan([arm], arm.name, [photo], [photo.on_disk(Path(folder))], "cpu", SECONDS, (1,), (0.0,), 1.0, 1,
                    0, 0, lambda line: None, Watch(1))  # fmt: skip
        pairs = [_pair(plan, arm, number) for number in range(PAIRS)]
    reported, bare = (np.array(values) for values in zip(*pairs, strict=True))
    ratio = median_ratio(reported, bare)
    name = "latency that edge bench reports, over a bare session.run loop"
    how = f"median of {PAIRS} pairs of {SECONDS} s in one process, one session, 1 thread, p50 of the model; {USUAL}"
    numbers = (ratio.estimate, ratio.low, ratio.high)
    return [
        Figure(name, *numbers, 1 + MOST_APART, "at most", "x", how),
        Figure(name, *numbers, 1 - MOST_APART, "at least", "x", how),
    ]


def _pair(plan: Plan, arm: Arm, number: int) -> tuple[float, float]:
    """Return the median milliseconds that the bench reports and that a bare loop finds, in ABBA order."""
    both = (lambda: _reported(plan, number), lambda: _bare(arm))
    if number % 2:
        bare, reported = both[1](), both[0]()
    else:
        reported, bare = both[0](), both[1]()
    return reported, bare


def _reported(plan: Plan, number: int) -> float:
    phase, _ = model_phase(plan, "single-stream", SECONDS, number)
    (row,) = rows_of([phase])
    assert row.latency is not None
    median = row.latency.percentiles["p50"]
    return median.estimate if median else float(np.median(phase.timings.samples_ns[row.arm])) / 1e6


def _bare(arm: Arm) -> float:
    assert arm.model is not None
    session = arm.model.session
    entry, photo = session.get_inputs()[0].name, synthetic_photo().data
    feed = {entry: arm.model.preprocess(arm.model.decode(photo))[None]}
    end = time.perf_counter() + 0.2
    while time.perf_counter() < end:
        session.run(None, feed)
    durations = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        session.run(None, feed)
        durations.append(time.perf_counter() - start)
    return float(np.median(durations)) * 1e3
