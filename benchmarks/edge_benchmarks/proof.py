"""What proving a bundle on a machine found, and the verdict on it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np

from edge_benchmarks.statistics import find_change
from edge_benchmarks.timing import InterleavedTimings, judge_time
from edge_benchmarks.verdicts import Time, TimeVerdict
from edge_runtime.errors import ExitCode
from edge_runtime.manifest import Manifest

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
            if (shift := self.shift(name)) is not None
        )

    def shift(self, name: str) -> float | None:
        """Return by how much the level of a variant's latency moved, as a share; None where it stayed."""
        assert self.timings is not None
        change = find_change(np.log(self.timings.blocks(name)))
        if change is None or abs(change.after - change.before) <= math.log1p(SMALLEST_SHIFT):
            return None
        return math.expm1(change.after - change.before)


def _allow_for_processes(found: TimeVerdict) -> TimeVerdict:
    """Widen a ratio's interval on both sides, and judge by where it lies then."""
    factor, ratio = 1 + BETWEEN_PROCESSES, found.ratio
    wider = replace(ratio, low=ratio.low / factor, high=ratio.high * factor)
    if found.verdict is Time.INVALID:
        return replace(found, ratio=wider)
    verdict = Time.FASTER if wider.high < 1 else Time.SLOWER if wider.low > 1 else Time.INCONCLUSIVE
    return replace(found, ratio=wider, verdict=verdict)
