"""What proving a bundle on a machine found, and the verdict on it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edge_benchmarks.statistics import find_change
from edge_benchmarks.statistics.proportions import CONFIDENCE
from edge_benchmarks.statistics.ratios import log_ratios
from edge_benchmarks.timing import ProcessPair
from edge_benchmarks.verdicts import Interval, Time, TimeVerdict
from edge_runtime.errors import ExitCode
from edge_runtime.manifest import Manifest

SMALLEST_SHIFT = 0.10
"""A median latency that moves by more than this while it is measured is not one number."""


SETS = 6
"""Fresh processes of each variant, by default. The smallest and the largest of six independent ratios hold the true
median between them in 96.9 % of cases, whatever their distribution (1 - 2 / 2^6); fewer than six bound it in less than
95 %, so nothing is proven by them."""


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


@dataclass(frozen=True)
class Proof:
    """Everything that one `prove` found."""

    created: str
    """UTC, ISO 8601."""
    manifest: Manifest
    environment: dict[str, Any]
    """See `edge_benchmarks.machine.environment`; `conditions` before, `conditions_after` after."""
    settings: dict[str, Any]
    golden_cases: int
    failures: tuple[str, ...]
    variants: tuple[ProvenVariant, ...]
    """The first one is what the bundle prefers, and the proof is about."""
    sets: tuple[ProcessPair, ...]
    """Each of one fresh process for every variant; empty where the golden vectors failed."""

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
        """The verdict on each variant but the baseline."""
        names = [variant.name for variant in self.variants if variant.name != self.baseline]
        return {name: self._judge(name) for name in names} if self.sets else {}

    def blocks(self, name: str) -> NDArray[np.int64]:
        """Return a variant's nanoseconds a block of turns, set after set."""
        return np.concatenate([one.model.blocks(name) for one in self.sets])

    def samples_ms(self, name: str) -> NDArray[np.float64]:
        """Return the milliseconds of every call of a variant's model."""
        return np.concatenate([one.model.samples_ns[name] for one in self.sets]) / 1e6

    def _judge(self, name: str) -> TimeVerdict:
        logs = [np.median(log_ratios(one.model.blocks(name), one.model.blocks(self.baseline))) for one in self.sets]
        bounds = between_sets(np.exp(logs))
        ratio = bounds or Interval(float(np.exp(np.median(logs))), 0.0, math.inf, CONFIDENCE)
        change = find_change(log_ratios(self.blocks(name), self.blocks(self.baseline)))
        if change is not None and abs(change.after - change.before) > math.log1p(SMALLEST_SHIFT):
            moved = f"the ratio moved from {math.exp(change.before):.3g} to {math.exp(change.after):.3g} meanwhile"
            return TimeVerdict(Time.INVALID, ratio, len(self.sets), f"{moved}; quiet the machine and prove again")
        verdict = Time.FASTER if ratio.high < 1 else Time.SLOWER if ratio.low > 1 else Time.INCONCLUSIVE
        return TimeVerdict(verdict, ratio, len(self.sets))

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
        bounds = f"95 % interval {ratio.low:.3g} to {ratio.high:.3g}, {len(self.sets)} processes each"
        return f"{passed}; {self.chosen} takes {ratio.estimate:.3g} of {self.baseline}'s time ({bounds})"

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """Why a latency is no number, although the ratio of two that were measured side by side may be."""
        return tuple(
            f"{name}: latency moved by {shift:+.0%} while it was measured, so it has no median; cool the machine"
            for name in (variant.name for variant in self.variants if self.sets)
            if (shift := self.shift(name)) is not None
        )

    def shift(self, name: str) -> float | None:
        """Return by how much the level of a variant's latency moved, as a share; None where it stayed."""
        change = find_change(np.log(self.blocks(name)))
        if change is None or abs(change.after - change.before) <= math.log1p(SMALLEST_SHIFT):
            return None
        return math.expm1(change.after - change.before)


def between_sets(values: ArrayLike) -> Interval | None:
    """Return the median of one number a set with the smallest and the largest; None for fewer than `SETS`."""
    found = np.asarray(values, dtype=np.float64)
    if len(found) < SETS:
        return None
    return Interval(float(np.median(found)), float(found.min()), float(found.max()), CONFIDENCE)
