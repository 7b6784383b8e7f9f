"""Exports of a report's flat list to services that keep benchmarks over time.

To add one: write a module with an `Exporter`, add it to `EXPORTS`, and test it against the service's own schema.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edge_benchmarks.exports import bencher, github_action_benchmark
from edge_benchmarks.measurements import Measurement

Exporter = Callable[[Sequence[Measurement]], dict[str, str]]
"""From measurements to the texts of files, by what comes before the file name's suffix: empty for the first one."""

EXPORTS: dict[str, Exporter] = {
    "github-action-benchmark": github_action_benchmark.export,
    "bencher": bencher.export,
}
"""Name to exporter."""

__all__ = ["EXPORTS", "Exporter"]
