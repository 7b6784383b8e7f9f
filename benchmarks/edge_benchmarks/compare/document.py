"""What a comparison found, as frozen values, and the versioned JSON document that they become."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from edge_benchmarks.compare.budgets import Check
from edge_benchmarks.compare.judge import Judged, Outcome, exit_code
from edge_benchmarks.measurements import METRICS, Measurement
from edge_runtime.errors import ExitCode

COMPARE_SCHEMA = 1
"""Raised whenever a field changes its meaning or goes away; new fields do not raise it."""

_LARGEST = 700.0
"""Logarithm of a ratio that stands for a bound which does not exist; JSON has no infinity."""

WORDS = {
    ExitCode.OK: "passed",
    ExitCode.REFUSED: "failed",
    ExitCode.INCONCLUSIVE: "inconclusive",
    ExitCode.INVALID: "invalid",
}
"""The whole comparison in a word."""


@dataclass(frozen=True)
class Side:
    """One of the two."""

    name: str
    version: str
    content_ids: tuple[str, ...]
    """Of the bundles that were measured."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of what ran it: Python, ONNX Runtime, the runtime."""
    provider: str | None = None
    """Execution provider that really ran; None for stored reports, which tell it for each variant."""
    golden_cases: int | None = None
    """Golden vectors of each variant that gave the right answer before anything was timed."""


@dataclass(frozen=True)
class Difference:
    """A fact in which the two sides' environments differ."""

    kind: Literal["identity", "versions"]
    field: str
    base: Any
    new: Any


@dataclass(frozen=True)
class CompareReport:
    """Everything one comparison found."""

    mode: Literal["run", "stored"]
    """Both measured side by side in one job, or two reports held against each other."""
    created: str
    """UTC, ISO 8601."""
    base: Side
    new: Side
    judged: tuple[Judged, ...]
    checks: tuple[Check, ...] = ()
    differences: tuple[Difference, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    measurements: Mapping[str, Sequence[Measurement]] = field(default_factory=dict)
    """`base` and `new`: the flat lists."""
    calibration: Mapping[str, Any] | None = None
    """Summary of the error rates of this gate on this runner, where they were measured."""
    conditions: tuple[str, ...] = ()
    """What disturbed the machine meanwhile. Both sides alike, so that their ratio may hold all the same."""
    timer_ns: float | None = None
    """What reading the clock costs, which is part of every sample; None for stored reports."""
    partial: bool = False
    """Interrupted; it holds what was measured by then."""
    samples: Mapping[str, Any] = field(default_factory=dict)
    """Raw durations by variant, pair and arm."""

    @property
    def exit_code(self) -> ExitCode:
        """What the process ends with."""
        return ExitCode.INTERRUPTED if self.partial else exit_code(self.judged, [one.over for one in self.checks])

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON document; `docs/reference.md` describes its fields."""
        code = self.exit_code
        problems = [f"{one.question.shown.key}: {one.reason}" for one in self.judged if one.outcome is Outcome.INVALID]
        return {
            "schema": COMPARE_SCHEMA,
            "kind": "compare",
            "mode": self.mode,
            "created": self.created,
            "verdict": WORDS.get(code, "interrupted"),
            "exit_code": int(code),
            "partial": self.partial,
            "valid": not problems,
            "problems": problems,
            "base": asdict(self.base),
            "new": asdict(self.new),
            "differences": [asdict(one) for one in self.differences],
            "conditions": list(self.conditions),
            "timer_ns": self.timer_ns,
            "calibration": self.calibration,
            "benchmarks": [_benchmark(one) for one in self.judged],
            "budgets": [_check(one) for one in self.checks],
            "settings": dict(self.settings),
            "environment": dict(self.environment),
            "measurements": {side: [one.to_dict() for one in found] for side, found in self.measurements.items()},
            "samples": dict(self.samples),
        }


def _benchmark(judged: Judged) -> dict[str, Any]:
    question, shown = judged.question, judged.question.shown
    return {
        "key": shown.key,
        "bundle": shown.bundle,
        "variant": shown.variant,
        "scenario": shown.scenario,
        "metric": shown.metric,
        "outcome": judged.outcome.value,
        "reason": judged.reason,
        "base": _value(question.base),
        "new": _value(question.new),
        "change": _change(judged),
        "p_value": judged.p_value,
        "limit": {"share": judged.limit.share, "budget": judged.limit.allowed},
    }


def _value(measurement: Measurement | None) -> dict[str, Any] | None:
    if measurement is None:
        return None
    document = measurement.to_dict()
    return {name: document[name] for name in ("value", "low", "high", "n")}


def _change(judged: Judged) -> dict[str, Any] | None:
    """Return NEW over BASE with its 95 % interval; of a share NEW minus BASE."""
    effect, metric = judged.question.effect, judged.question.shown.metric
    if effect is None:
        return None
    ends = [effect.estimate, *effect.interval()]
    if METRICS[metric].unit != "share":
        ends = [math.exp(min(end, _LARGEST)) for end in ends]
    finite = (end if abs(end) < math.exp(_LARGEST) else None for end in ends)
    return dict(zip(("value", "low", "high"), finite, strict=True)) | {"n": effect.n}


def _check(one: Check) -> dict[str, Any]:
    return {
        "key": one.measurement.key if one.measurement else None,
        "metric": one.budget.metric,
        "variant": one.budget.variant,
        "scenario": one.budget.scenario,
        "bound": one.budget.bound,
        "max_change": one.budget.change,
        "over": one.over,
        "reason": one.reason,
        "value": _value(one.measurement),
    }
