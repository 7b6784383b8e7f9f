"""How large the HTML report of a full bench is: all scenarios, two variants, accuracy, twenty cold starts."""

from __future__ import annotations

from interface import Figure
from runtime.networks import small_network_bundle, usual_bundle

from edge_benchmarks.bench.run import bench
from edge_benchmarks.bench.scenarios import SCENARIOS
from edge_benchmarks.report import render

SECONDS = 6.0

GAPS = (0.0, 0.1)
"""Without the gaps of 1 and 10 s, which add minutes and four dots."""

MOST_KB = 1_000.0


def measure() -> list[Figure]:
    """Run a full bench of two bundles and weigh its page."""
    report = bench(
        [usual_bundle(), small_network_bundle()], scenarios=list(SCENARIOS), seconds=SECONDS, batches=(1, 4, 8),
        gaps=GAPS, threads=1,
    )  # fmt: skip
    size = len(render(report.to_dict(), "html").encode()) / 1e3
    calls = sum(row.n for row in report.rows)
    how = f"all {len(SCENARIOS)} scenarios, 2 bundles, 20 cold starts each, {calls:,} samples"
    return [Figure("HTML report of a full bench", size, None, None, MOST_KB, "at most", "KB", how)]
