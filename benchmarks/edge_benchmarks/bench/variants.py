"""What a benchmark tells of one arm beside its rows: what it is, how it starts, and what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_benchmarks.bench.arms import Facts
from edge_benchmarks.bench.cold_start import PARTS, ColdStart
from edge_benchmarks.bench.rows import Latency, interval_dict, summarize_latency
from edge_benchmarks.statistics import percentile_interval


@dataclass(frozen=True)
class VariantResult:
    """One arm, whose answers were checked on this machine: what it is, how it starts, and what it takes."""

    facts: Facts
    cold_starts: tuple[ColdStart, ...] = ()

    def cold_start(self) -> dict[str, Latency | None]:
        """Return the distribution of each of `PARTS` over the fresh processes, of those that there are."""
        if not self.cold_starts:
            return {}
        spent = {part: [getattr(one, f"{part}_ns") for one in self.cold_starts] for part in PARTS}
        return {
            part: summarize_latency(np.asarray(durations) / 1e6)
            for part, durations in spent.items()
            if None not in durations
        }

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary."""
        starts = {part: found.to_dict() for part, found in self.cold_start().items() if found}
        memory = {name: self._memory(name) for name in ("peak_rss_bytes", "steady_rss_bytes")}
        return self.facts.to_dict() | {"cold_start_ms": starts or None} | memory

    def _memory(self, name: str) -> dict[str, Any] | None:
        """Return the median over the processes with its interval, and the largest."""
        values = [getattr(one, name) for one in self.cold_starts]
        if not values:
            return None
        median = interval_dict(percentile_interval(values, 0.5)) or {"value": None, "low": None, "high": None}
        return median | {"largest": max(values), "n": len(values)}
