"""The situations in which a model is measured, by MLPerf's names where it has one.

To add a scenario: write a module with `NAME` and `measure`, add it to `SCENARIOS`, and test it beside the others.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_benchmarks.bench.scenarios.interface import Scenario

SCENARIOS = {
    "single-stream": "edge_benchmarks.bench.scenarios.single_stream",
    "offline": "edge_benchmarks.bench.scenarios.offline",
    "by-length": "edge_benchmarks.bench.scenarios.by_length",
    "server": "edge_benchmarks.bench.scenarios.server",
    "idle-gap": "edge_benchmarks.bench.scenarios.idle_gap",
    "busy-neighbor": "edge_benchmarks.bench.scenarios.busy_neighbor",
}
"""Name to module, in the order in which they run; imported when used, since a help text needs no numpy."""

DEFAULT = ("single-stream", "offline", "by-length")
"""What is measured where nothing else is asked for; the last one has something to measure for texts alone."""

__all__ = ["DEFAULT", "SCENARIOS", "scenario"]


def scenario(name: str) -> Scenario:
    """Return what measures one of `SCENARIOS`."""
    found: Scenario = import_module(SCENARIOS[name]).measure
    return found
