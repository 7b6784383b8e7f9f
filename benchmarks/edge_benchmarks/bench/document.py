"""What a benchmark found, as frozen values, and the versioned JSON document that they become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from edge_benchmarks.bench.cold_start import ColdStart
from edge_benchmarks.bench.flat import flat_list
from edge_benchmarks.bench.rows import Row, interval_dict
from edge_benchmarks.bench.scenarios.interface import Phase, What
from edge_benchmarks.bench.variants import VariantResult
from edge_benchmarks.measurements import Measurement
from edge_benchmarks.verdicts import TimeVerdict

BENCH_SCHEMA = 2
"""Raised whenever a field changes its meaning or goes away; new fields do not raise it."""


@dataclass(frozen=True)
class Comparison:
    """Two arms, timed side by side in one scenario."""

    scenario: str
    what: What
    candidate: str
    """Arm."""
    baseline: str
    verdict: TimeVerdict

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary."""
        return {
            "scenario": self.scenario,
            "what": self.what,
            "candidate": self.candidate,
            "baseline": self.baseline,
            "verdict": self.verdict.verdict.value,
            "ratio": interval_dict(self.verdict.ratio),
            "rounds": self.verdict.rounds,
            "reason": self.verdict.reason,
        }


@dataclass(frozen=True)
class BenchReport:
    """Everything one benchmark found."""

    created: str
    """UTC, ISO 8601."""
    settings: dict[str, Any]
    """What was asked for: device, threads, seconds, scenarios, seed, and the inputs' names and digests."""
    environment: dict[str, Any]
    """See `edge_benchmarks.machine.environment`; `conditions` before, `conditions_after` after."""
    results: tuple[VariantResult, ...]
    """The first one is the variant that `edge_runtime.load` takes of the first bundle."""
    rows: tuple[Row, ...] = ()
    """By scenario, then by arm."""
    comparisons: tuple[Comparison, ...] = ()
    problems: tuple[str, ...] = ()
    """Why the run is invalid: something changed while it was measured. Empty for a valid run."""
    partial: bool = False
    """Interrupted; it holds what was measured by then."""
    runtime_bytes: dict[str, int] = field(default_factory=dict)
    """Package of the installed runtime to its size."""
    phases: tuple[Phase, ...] = ()
    """Raw durations."""

    @property
    def valid(self) -> bool:
        """Whether nothing changed while it was measured."""
        return not self.problems

    @property
    def measurements(self) -> list[Measurement]:
        """Every number once."""
        return flat_list(self.results, self.rows, sum(self.runtime_bytes.values()))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document; `docs/reference.md` describes its fields."""
        return {
            "schema": BENCH_SCHEMA,
            "kind": "bench",
            "created": self.created,
            "partial": self.partial,
            "valid": self.valid,
            "problems": list(self.problems),
            "measurements": [one.to_dict() for one in self.measurements],
            "variants": [result.to_dict() for result in self.results],
            "rows": [row.to_dict() for row in self.rows],
            "comparisons": [comparison.to_dict() for comparison in self.comparisons],
            "runtime_bytes": self.runtime_bytes,
            "settings": self.settings,
            "environment": self.environment,
            "cold_starts": {one.facts.arm: _raw(one.cold_starts) for one in self.results},
            "phases": [phase.to_dict() for phase in self.phases],
        }


def _raw(starts: Sequence[ColdStart]) -> list[dict[str, Any]]:
    return [asdict(start) for start in starts]
