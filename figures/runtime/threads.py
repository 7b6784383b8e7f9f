"""The default threads in a quota of one CPU, against hand-tuned settings: processes in turn, in a real cgroup."""

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from interface import Figure

from edge_benchmarks.statistics.ratios import median_ratio
from runtime.networks import small_network_bundle

SETTINGS = {
    "default": {},
    "1 thread": {"threads": 1, "spin": 1},
    "1 thread, no spinning": {"threads": 1, "spin": 0},
    "2 threads": {"threads": 2, "spin": 1},
    "2 threads, no spinning": {"threads": 2, "spin": 0},
}
ROUNDS = 12
ASKED = 1.1
PERIOD_US = 100_000

CHILD = """
import dataclasses, json, sys, time
import numpy as np
import edge_runtime, edge_runtime.session as made
bundle, how = sys.argv[1], json.loads(sys.argv[2])
if "spin" in how:
    real = made._settings
    def settings(ort, threads, options):
        plain = {"session.force_spinning_stop": "0", "session.intra_op.allow_spinning": str(how["spin"])}
        return real(ort, threads, {**options, **plain})
    made._settings = settings
model = edge_runtime.load(bundle, threads=how.get("threads"))
picture = np.zeros((64, 64, 3), dtype=np.uint8)
for _ in range(20):
    model.predict(picture, color="rgb")
start = time.perf_counter()
runs = 0
while time.perf_counter() - start < 1.0:
    model.predict(picture, color="rgb")
    runs += 1
print((time.perf_counter() - start) / runs)
"""


def measure() -> list[Figure]:
    """Time every setting once a round, in random order."""
    bundle = small_network_bundle()
    seconds: dict[str, list[float]] = {name: [] for name in SETTINGS}
    generator = random.Random(0)
    with one_cpu() as (enter, where):
        for _ in range(ROUNDS):
            for name in generator.sample(list(SETTINGS), len(SETTINGS)):
                command = [sys.executable, "-c", CHILD, str(bundle), json.dumps(SETTINGS[name])]
                done = subprocess.run(command, check=True, capture_output=True, text=True, preexec_fn=enter)
                seconds[name].append(float(done.stdout))
    best = min((name for name in SETTINGS if name != "default"), key=lambda name: np.median(seconds[name]))
    scale = 1e9
    ratio = median_ratio(
        np.array([int(scale * one) for one in seconds["default"]]),
        np.array([int(scale * one) for one in seconds[best]]),
    )
    how = f"MobileNetV3-Small 0.5, 64 px; {where}; best by hand: {best}; {ROUNDS} processes each, 1 s, in random order"
    name = "default threads over the best setting, one CPU's quota"
    return [Figure(name, ratio.estimate, ratio.low, ratio.high, ASKED, "at most", "x", how)]


@contextmanager
def one_cpu() -> Iterator[tuple[object, str]]:
    """Give what a child calls to enter a cgroup (version 1) with a quota of one CPU; else one of the CPUs."""
    root = Path("/sys/fs/cgroup/cpu")
    try:
        group = Path(tempfile.mkdtemp(prefix="edge-figure-", dir=root))
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(PERIOD_US))
    except OSError:
        cpu = min(os.sched_getaffinity(0))
        yield (lambda: os.sched_setaffinity(0, {cpu})), "affinity to one CPU, as no cgroup could be made"
        return
    try:
        yield (
            (lambda: (group / "cgroup.procs").write_text(str(os.getpid()))),
            "a cgroup's quota of 1.0 CPU, 2 CPUs seen",
        )
    finally:
        group.rmdir()
