"""What proving a bundle on a machine found, and the evidence file that it becomes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np

from edge_benchmarks.measurements import Measurement
from edge_benchmarks.statistics import find_change
from edge_benchmarks.timing import InterleavedTimings, judge_time
from edge_benchmarks.verdicts import Interval, Time, TimeVerdict
from edge_runtime.cpus import cpu_name, instruction_set
from edge_runtime.errors import ExitCode
from edge_runtime.evidence import Evidence, Machine, Ratio, Timing, read_evidence
from edge_runtime.manifest import Manifest

PROVE_SCHEMA = 1
"""Of the evidence's `report`; raised whenever a field changes its meaning or goes away."""

SMALLEST_SHIFT = 0.10
"""A median latency that moves by more than this while it is measured is not one number."""


BETWEEN_PROCESSES = 0.02
"""Two processes that run the same bytes differ by up to about a percent for their whole lives, since memory lies
elsewhere; each variant has one process here, so a ratio's interval is widened by twice that on both sides."""


class Verdict(str, Enum):
    """How a proof ends."""

    PROVEN = "proven"
    FAILED = "failed"
    """The golden vectors gave other answers."""
    SLOWER = "slower"
    """The variant that would be taken is slower here than what it should beat."""
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"
    """The variants' ratio moved while it was measured."""

    @property
    def exit_code(self) -> ExitCode:
        """What the process ends with."""
        return _EXIT_CODES[self]


_EXIT_CODES = {
    Verdict.PROVEN: ExitCode.OK,
    Verdict.FAILED: ExitCode.REFUSED,
    Verdict.SLOWER: ExitCode.REFUSED,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Verdict.INVALID: ExitCode.INVALID,
}


@dataclass(frozen=True)
class ProvenVariant:
    """One variant on this machine."""

    name: str
    precision: str
    provider: str
    """Execution provider that really ran; empty where nothing was timed."""
    threads: int
    bytes: int
    """Size of the model's file."""
    first_label_ms: float | None
    """From starting the one process that was timed until its first label."""
    peak_rss: int | None
    steady_rss: int | None


@dataclass(frozen=True)
class Proof:
    """Everything that one `prove` found."""

    created: str
    """UTC, ISO 8601."""
    manifest: Manifest
    environment: dict[str, Any]
    """See `edge_benchmarks.environment`; `conditions` before, `conditions_after` after."""
    settings: dict[str, Any]
    golden_cases: int
    failures: tuple[str, ...]
    variants: tuple[ProvenVariant, ...]
    """The first one is what the bundle prefers, and the proof is about."""
    timings: InterleavedTimings | None
    """None where the golden vectors failed."""

    @property
    def chosen(self) -> str:
        """The variant that the bundle prefers."""
        return self.variants[0].name

    @cached_property
    def baseline(self) -> str:
        """What the others are held against: the fp32 variant, or without one the last."""
        floats = [variant.name for variant in self.variants if variant.precision == "fp32"]
        return (floats or [self.variants[-1].name])[0]

    @cached_property
    def comparisons(self) -> dict[str, TimeVerdict]:
        """The verdict on each variant but the baseline, with an interval that allows for `BETWEEN_PROCESSES`."""
        if self.timings is None:
            return {}
        names = [variant.name for variant in self.variants if variant.name != self.baseline]
        return {name: _allow_for_processes(judge_time(self.timings, name, self.baseline)) for name in names}

    @property
    def verdict(self) -> Verdict:
        """How the proof of the chosen variant ends."""
        if self.failures:
            return Verdict.FAILED
        if any(one.verdict is Time.INVALID for one in self.comparisons.values()):
            return Verdict.INVALID
        if self.chosen not in self.comparisons:
            return Verdict.PROVEN
        faster = {Time.FASTER: Verdict.PROVEN, Time.SLOWER: Verdict.SLOWER}
        return faster.get(self.comparisons[self.chosen].verdict, Verdict.INCONCLUSIVE)

    @property
    def reason(self) -> str:
        """One sentence that says what the verdict rests on."""
        if self.failures:
            return f"{self.failures[0]}{f' (and {len(self.failures) - 1} more)' * (len(self.failures) > 1)}"
        invalid = [one for one in self.comparisons.values() if one.verdict is Time.INVALID]
        if invalid:
            return invalid[0].reason
        passed = f"{self.golden_cases} golden answers are as signed off"
        if self.chosen not in self.comparisons:
            return f"{passed}, and {self.chosen} is what others would have to beat"
        ratio = self.comparisons[self.chosen].ratio
        bounds = f"95 % interval {ratio.low:.3g} to {ratio.high:.3g}, {self.comparisons[self.chosen].rounds} rounds"
        return f"{passed}; {self.chosen} takes {ratio.estimate:.3g} of {self.baseline}'s time ({bounds})"

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """Why a latency is no number, although the ratio of two that were measured side by side may be."""
        return tuple(
            f"{name}: latency moved by {shift:+.0%} while it was measured, so it has no median; cool the machine"
            for name in (self.timings.samples_ns if self.timings else ())
            if (shift := self._shift(name)) is not None
        )

    def _shift(self, name: str) -> float | None:
        assert self.timings is not None
        change = find_change(np.log(self.timings.blocks(name)))
        if change is None or abs(change.after - change.before) <= math.log1p(SMALLEST_SHIFT):
            return None
        return math.expm1(change.after - change.before)

    @property
    def evidence(self) -> Evidence:
        """The evidence file's value; an invalid measurement leaves no timing in it."""
        from edge_runtime.session import import_onnxruntime

        version = str(import_onnxruntime().__version__)
        return Evidence(
            kind="prove",
            machine=Machine(instruction_set(), cpu_name(), version),
            selftest=not self.failures,
            timings=() if self.verdict is Verdict.INVALID else tuple(self._timings()),
            report=self._report(),
        )

    def to_json(self) -> bytes:
        """Return the bytes of the evidence file.

        Raises:
            SchemaError: a runtime would refuse it, which would be a bug.
        """
        data = (json.dumps(asdict(self.evidence), ensure_ascii=False, allow_nan=False) + "\n").encode()
        read_evidence(data)
        return data

    def _timings(self) -> Iterator[Timing]:
        for variant in self.variants if self.timings else ():
            assert self.timings is not None
            p50 = float(np.median(self.timings.samples_ns[variant.name])) / 1e6
            compared = self.comparisons.get(variant.name)
            if compared is None:
                yield Timing(variant.name, p50, variant.threads)
            elif math.isfinite(compared.ratio.high):
                ratio = Ratio(compared.ratio.estimate, compared.ratio.low, compared.ratio.high)
                yield Timing(variant.name, p50, variant.threads, self.baseline, ratio)

    def _report(self) -> dict[str, Any]:
        return {
            "schema": PROVE_SCHEMA,
            "kind": "prove",
            "created": self.created,
            "name": self.manifest.name,
            "version": self.manifest.version,
            "content_id": self.manifest.content_id,
            "verdict": self.verdict.value,
            "reason": self.reason,
            "valid": self.verdict is not Verdict.INVALID,
            "partial": False,
            "problems": list(self.problems),
            "failures": list(self.failures),
            "golden_cases": self.golden_cases,
            "measurements": [one.to_dict() for one in self.measurements()],
            "variants": [asdict(one) | {"content_id": self.manifest.content_id} for one in self.variants],
            "comparisons": [_comparison(name, self.baseline, one) for name, one in self.comparisons.items()],
            "settings": self.settings,
            "environment": self.environment,
            "samples_ns": {"model": self.timings.to_dict()} if self.timings else {},
        }

    def measurements(self) -> list[Measurement]:
        """Return the flat list of every number."""
        name = self.manifest.name
        return [
            Measurement(name, variant.name, scenario, metric, ends[0], ends[1], ends[2], n)
            for variant in self.variants
            for scenario, metric, ends, n in self._numbers(variant)
        ]

    def _numbers(self, variant: ProvenVariant) -> Iterator[tuple[str, str, tuple[float | None, ...], int]]:
        """Yield scenario, metric, the value with both ends of its interval, and samples."""
        if self.timings is not None:
            moved = self._shift(variant.name) is not None
            for name, q in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
                found = None if moved else self.timings.percentile(variant.name, q)
                yield "single-stream", f"model_latency_{name}", _ends(found), self.timings.rounds
            for metric, value in (
                ("first_label", variant.first_label_ms),
                ("peak_rss", variant.peak_rss),
                ("steady_rss", variant.steady_rss),
            ):
                # One process: a number without an interval.
                yield "cold-start", metric, (value, None, None), 1
        yield "static", "variant_size", (float(variant.bytes),) * 3, 1


def _allow_for_processes(found: TimeVerdict) -> TimeVerdict:
    """Widen a ratio's interval on both sides, and judge by where it lies then."""
    factor, ratio = 1 + BETWEEN_PROCESSES, found.ratio
    wider = replace(ratio, low=ratio.low / factor, high=ratio.high * factor)
    if found.verdict is Time.INVALID:
        return replace(found, ratio=wider)
    verdict = Time.FASTER if wider.high < 1 else Time.SLOWER if wider.low > 1 else Time.INCONCLUSIVE
    return replace(found, ratio=wider, verdict=verdict)


def _ends(interval: Interval | None) -> tuple[float | None, ...]:
    return (None,) * 3 if interval is None else (interval.estimate, interval.low, interval.high)


def _comparison(candidate: str, baseline: str, found: TimeVerdict) -> dict[str, Any]:
    ends = {"value": found.ratio.estimate, "low": found.ratio.low, "high": found.ratio.high}
    return {
        "what": "model",
        "candidate": candidate,
        "baseline": baseline,
        "verdict": found.verdict.value,
        "ratio": {name: value if math.isfinite(value) else None for name, value in ends.items()},
        "rounds": found.rounds,
        "reason": found.reason,
    }
