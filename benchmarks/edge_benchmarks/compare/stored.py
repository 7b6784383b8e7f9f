"""Two stored reports held against each other: what must be alike, and how far identical code drifts between runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from edge_benchmarks.bench.document import BENCH_SCHEMA
from edge_benchmarks.compare.budgets import Budget, check, limits
from edge_benchmarks.compare.document import CompareReport, Difference, Side
from edge_benchmarks.compare.effects import Effect, Student, of_exact
from edge_benchmarks.compare.judge import JUDGED, Question, judge
from edge_benchmarks.files import read_json
from edge_benchmarks.measurements import METRICS, Measurement, read_measurement
from edge_runtime.errors import InputError

IDENTITY = (
    "cpu", "architecture", "instruction_set", "flags", "cores_physical", "cores_logical", "affinity", "cgroup_cpus",
    "gpus", "board", "os",
)  # fmt: skip
"""Facts of a machine that must be alike for two of its latencies to be comparable."""

SETTINGS = ("device", "threads", "inputs", "lengths")
"""What a measurement was asked for that must be alike too."""

_THROUGHPUT_DRIFTS_AS = "single-stream/model_latency_p50"
"""A batch is the model alone, so its time drifts from run to run as the model's."""

_Z = 1.959964
"""Standard errors from the middle of a 95 % interval to its end."""


@dataclass(frozen=True)
class Stored:
    """One report of `edge bench`."""

    source: str
    """The file's name."""
    report: Mapping[str, Any]
    measurements: tuple[Measurement, ...]

    @property
    def problem(self) -> str:
        """Why its numbers cannot be used, or nothing."""
        if self.report["partial"]:
            return "was interrupted: it is partial"
        return "" if self.report["valid"] else f"is invalid: {'; '.join(self.report['problems'])}"

    @property
    def identity(self) -> dict[str, Any]:
        """What must be alike."""
        machine, settings = self.report["environment"]["identity"], self.report["settings"]
        return {name: machine.get(name) for name in IDENTITY} | {name: settings.get(name) for name in SETTINGS}

    @property
    def side(self) -> Side:
        """It as one of the two sides."""
        variants = self.report["variants"]
        names = list(dict.fromkeys(one["name"] for one in variants))
        found = list(dict.fromkeys(one["version"] for one in variants))
        identifiers = tuple(dict.fromkeys(one["content_id"] for one in variants))
        return Side(", ".join(names), ", ".join(found), identifiers, self.report["environment"]["versions"])


def read_stored(path: Path) -> Stored:
    """Read what `edge bench -o FILE.json` wrote.

    Raises:
        InputError: it cannot be read, is no such report, or of another schema.
    """
    report = read_json(path)
    kind = report.get("kind")
    if kind != "bench":
        raise InputError(f"{path}: kind {kind!r}; give what `edge bench -o FILE.json` wrote, or --run with two bundles")
    if report.get("schema") != BENCH_SCHEMA:
        raise InputError(f"{path}: schema {report.get('schema')!r}, {BENCH_SCHEMA} is read; measure again")
    try:
        found = [read_measurement(one, f"{path}: measurements[{at}]") for at, one in enumerate(report["measurements"])]
        stored = Stored(path.name, report, tuple(found))
        # A document that lacks something should say so now.
        _ = (stored.problem, stored.identity, stored.side)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: a field is missing or of another type ({error}); write it again") from error
    return stored


def compare_stored(
    base: Stored,
    new: Stored,
    *,
    budgets: Sequence[Budget] = (),
    calibration: Mapping[str, Any] | None = None,
    force: bool = False,
) -> CompareReport:
    """Hold NEW's stored report against BASE's.

    What varies from run to run is judged with the spread between runs that a calibration measured, in addition to each
    report's own intervals; without one it is inconclusive, since identical code drifts between runs.

    Args:
        base: The older report.
        new: The one to judge.
        budgets: What is allowed.
        calibration: Summary of `edge compare --calibrate`.
        force: Compare although machine or settings differ.
    """
    differences = tuple(_differences(base, new))
    unlike = [one.field for one in differences if one.kind == "identity"]
    problem = "" if force or not unlike else f"incomparable: {', '.join(unlike)} differ; --force compares anyway"
    problem = problem or "; ".join(
        f"{side} {one.problem}" for side, one in (("BASE", base), ("NEW", new)) if one.problem
    )
    questions = [_question(pair, base, new, calibration, problem) for pair in _matched(base, new)]
    asked = [one for one in questions if one is not None]
    return CompareReport(
        mode="stored",
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        base=base.side,
        new=new.side,
        judged=judge(asked, limits(budgets, [one.shown for one in asked])),
        checks=check(budgets, new.measurements),
        differences=differences,
        settings={"force": force},
        environment={"base": base.report["environment"], "new": new.report["environment"]},
        measurements={"base": base.measurements, "new": new.measurements},
        calibration=calibration,
    )


def _matched(base: Stored, new: Stored) -> Iterator[tuple[Measurement | None, Measurement | None]]:
    """Pair the benchmarks of the two by their keys; a lone bundle that was renamed is still the one to compare."""
    names = [list(dict.fromkeys(one.bundle for one in side.measurements)) for side in (base, new)]
    renamed = len(names[0]) == len(names[1]) == 1
    others = {(replace(one, bundle=names[0][0]) if renamed else one).key: one for one in new.measurements}
    for one in base.measurements:
        yield one, others.pop(one.key, None)
    for other in others.values():
        yield None, other


def _question(
    pair: tuple[Measurement | None, Measurement | None],
    base: Stored,
    new: Stored,
    calibration: Mapping[str, Any] | None,
    problem: str,
) -> Question | None:
    was, now = pair
    if was is None or now is None:
        # What a broken report lacks is not missing, and a benchmark that was not resolved was measured all the same.
        return Question(was or now, was or now, problem=problem) if problem else Question(was, now)
    if was.metric not in JUDGED:
        return None
    effect, doubt = _effect(was, now, base, new, calibration)
    # A size or an accuracy is the same on a busy machine and on another one.
    return Question(was, now, effect, problem=problem if METRICS[was.metric].timed else "", doubt=doubt)


def _effect(
    was: Measurement, now: Measurement, base: Stored, new: Stored, calibration: Mapping[str, Any] | None
) -> tuple[Effect | None, str]:
    """Return the effect of one benchmark, or why there is none."""
    if was.value is None or now.value is None:
        return None, "not resolved by so few samples; measure longer"
    if METRICS[was.metric].unit == "share":
        return _shares(was, now, alike=_content(base, was) == _content(new, now))
    if not METRICS[was.metric].timed:
        return of_exact(was.value, now.value), ""
    benchmark = f"{was.scenario}/{was.metric}"
    if was.metric == "throughput":
        benchmark = _THROUGHPUT_DRIFTS_AS
    known = (calibration or {}).get("between_runs", {}).get(benchmark)
    if known is None:
        advice = "measure both in one job (--run), or give the --calibration of this runner"
        return None, f"how far it drifts between runs is not known; {advice}"
    within = _log_error(was) ** 2 + _log_error(now) ** 2
    error = math.sqrt(within + 2 * known["sd"] ** 2)
    return Student(math.log(now.value) - math.log(was.value), error, known["df"], known["runs"]), ""


def _shares(was: Measurement, now: Measurement, *, alike: bool) -> tuple[Effect | None, str]:
    """Compare two accuracies of which only the totals are stored: as if of unlike items, so with wide intervals."""
    assert was.value is not None and now.value is not None
    difference = now.value - was.value
    if alike and difference == 0:
        return Student(0.0, 0.0, math.inf, now.n), ""
    errors = [math.sqrt(max(one.value or 0.0, 0.0) * (1 - (one.value or 0.0)) / max(one.n, 1)) for one in (was, now)]
    return Student(difference, math.hypot(*errors), math.inf, now.n), ""


def _content(stored: Stored, measurement: Measurement) -> str | None:
    found = [one["content_id"] for one in stored.report["variants"] if one["variant"] == measurement.variant]
    return found[0] if found else None


def _log_error(measurement: Measurement) -> float:
    """Return the standard error of a value's logarithm, from its own interval."""
    low, high = measurement.low, measurement.high
    return math.log(high / low) / (2 * _Z) if low and high and low > 0 else 0.0


def _differences(base: Stored, new: Stored) -> Iterator[Difference]:
    was, now = base.identity, new.identity
    for name in was:
        if was[name] != now[name]:
            yield Difference("identity", name, was[name], now[name])
    before, after = (side.report["environment"]["versions"] for side in (base, new))
    for name in sorted(set(before) | set(after)):
        if before.get(name) != after.get(name):
            yield Difference("versions", name, before.get(name), after.get(name))
