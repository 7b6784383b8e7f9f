"""A busy neighbor: single-stream while another program keeps every CPU of this process busy."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from edge_benchmarks.bench.scenarios.attempts import measure_steadily, model_phase, whole_phase
from edge_benchmarks.bench.scenarios.interface import Phase, Plan, State

NAME = "busy-neighbor"

SHARE = 0.5
"""Of the run's seconds."""

_NEIGHBOR = """
import os, sys, time
import numpy as np
parent, seconds = int(sys.argv[1]), float(sys.argv[2])
block = np.random.default_rng(0).standard_normal(1 << 20)
print("busy", flush=True)
until = time.monotonic() + seconds
while os.getppid() == parent and time.monotonic() < until:
    np.sort(block)
    block[:] = block[::-1] * 1.0000001
"""
"""Computes and moves 8 MB to and fro, as a program would that shares cores, caches and memory; it ends when its parent
does."""

LONGEST = 3600.0
"""Seconds after which a neighbor ends by itself, whatever happened."""


def measure(plan: Plan, state: State) -> None:
    """Time one input at a time beside a busy process for each CPU that this one may use."""
    seconds = plan.seconds * SHARE
    phase = whole_phase if plan.whole_arms else model_phase

    def measured(number: int) -> tuple[Phase, bool]:
        with busy_neighbors(cpus()):
            return phase(plan, NAME, seconds, number)

    # Latencies jump as the scheduler pleases; that is what is measured, and no fault of the measurement.
    said = f"{NAME}, beside {cpus()} busy processes, for {seconds:g} s"
    measure_steadily(plan, state, said, measured, levels=False)


def cpus() -> int:
    """Return how many neighbors there are: one for each CPU of this process."""
    from edge_runtime.cpus import available_cpus

    return available_cpus()


@contextmanager
def busy_neighbors(count: int) -> Iterator[None]:
    """Keep `count` processes busy, from when all of them are until the end of the block."""
    command = [sys.executable, "-c", _NEIGHBOR, str(os.getpid()), str(LONGEST)]
    quiet = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    started: list[subprocess.Popen[bytes]] = []
    try:
        for _ in range(count):
            started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=quiet))
        for one in started:
            if one.stdout is not None:
                one.stdout.readline()
        yield
    finally:
        for one in started:
            one.kill()
        for one in started:
            one.communicate()
