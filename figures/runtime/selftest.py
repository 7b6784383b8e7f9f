"""How long `edge_runtime.selftest` of a usual bundle takes, opening and session creation included."""

import statistics
import time

from interface import Figure

from edge_benchmarks.statistics.percentiles import percentile_interval
from edge_runtime import selftest
from runtime.networks import USUAL, usual_bundle

REPEATS = 15
ASKED = 1.0


def measure() -> list[Figure]:
    """Test the bundle again and again in one process."""
    import numpy as np

    bundle = usual_bundle()
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        selftest(bundle, threads=1).raise_for_failures()
        seconds.append(time.perf_counter() - start)
    interval = percentile_interval(np.array(seconds), 0.5)
    how = f"{USUAL}, 1 thread; median of {REPEATS}"
    low, high = (interval.low, interval.high) if interval else (min(seconds), max(seconds))
    return [Figure("self-test", statistics.median(seconds), low, high, ASKED, "at most", "s", how)]
