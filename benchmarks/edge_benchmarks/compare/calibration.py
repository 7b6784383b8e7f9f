"""The gate's own error rates on this runner: a bundle against itself, again and again, and what the spread tells."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edge_benchmarks.compare.document import CompareReport
from edge_benchmarks.compare.effects import Student
from edge_benchmarks.compare.judge import Outcome, Question, judge
from edge_benchmarks.compare.pairs import levels
from edge_benchmarks.compare.run import RunPlan, compare_run, inputs_of, settings_of
from edge_benchmarks.compare.sides import read_manifest
from edge_benchmarks.compare.stored import IDENTITY
from edge_benchmarks.files import write_file
from edge_benchmarks.machine import environment
from edge_benchmarks.measurements import Measurement
from edge_benchmarks.statistics.proportions import wilson_interval
from edge_runtime.errors import InputError

CALIBRATION_SCHEMA = 1
"""Raised whenever a field changes its meaning or goes away; new fields do not raise it."""

GRID = (0.01, 0.02, 0.03, 0.04, 0.05, 0.075, 0.10, 0.15, 0.20, 0.30, 0.50, 1.0)
"""Changes that are asked about, as shares."""

POWER = 0.9
"""Share of the runs that must find a change for it to count as found."""


def calibrate(
    plan: RunPlan, output: Path, runs: int, say: Callable[[str], object] = lambda line: None
) -> dict[str, Any]:
    """Run the gate on one bundle against itself until `output` holds `runs` runs, and summarize them.

    Every run is written when it is done, so that a break costs one run; called again, on another day too, it goes on.
    Runs of several days know how far the machine drifts between days; those of one hour know less.

    Args:
        plan: Of the gate; its BASE and NEW are the same bundle.
        output: The calibration, made or continued.
        runs: How many it shall hold.
        say: Called with a line before each run.

    Returns:
        The document.

    Raises:
        InputError: `output` holds runs of another bundle, machine or settings.
    """
    document: dict[str, Any] = _empty(plan)
    if output.exists():
        known = read_calibration(output)
        if unlike := [field for field in ("content_id", "identity", "settings") if known[field] != document[field]]:
            raise InputError(f"{output}: is of another {unlike[0].replace('_', ' ')}; choose another file")
        document["runs"] = known["runs"]
    for done in range(len(document["runs"]), runs):
        say(f"run {done + 1} of {runs}: the bundle against itself")
        report = compare_run(replace(plan, seed=plan.seed + done))
        if report.partial:
            raise KeyboardInterrupt
        document["runs"].append(_run(report))
        _write(output, document)
    document["summary"] = summarize(document["runs"])
    _write(output, document)
    return document


def read_calibration(path: Path) -> dict[str, Any]:
    """Read a calibration.

    Raises:
        InputError: it cannot be read, is none, or of another schema.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); `edge compare --calibrate` makes one") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is no JSON ({error}); `edge compare --calibrate` makes a calibration") from error
    if not isinstance(document, dict) or document.get("kind") != "calibration":
        raise InputError(f"{path}: is no calibration; `edge compare --calibrate BUNDLE -o {path.name}` makes one")
    if document.get("schema") != CALIBRATION_SCHEMA:
        raise InputError(f"{path}: schema {document.get('schema')!r}, {CALIBRATION_SCHEMA} is read; calibrate again")
    if not all(isinstance(document.get(field), kind) for field, kind in _FIELDS.items()):
        raise InputError(f"{path}: one of {', '.join(_FIELDS)} is missing; calibrate again")
    # Where the calibration was cut off, its last run wrote no summary.
    return document if document["summary"] else document | {"summary": summarize(document["runs"])}


_FIELDS = {"runs": list, "summary": dict, "identity": dict, "settings": dict, "content_id": str}


def told(document: Mapping[str, Any], identity: Mapping[str, Any]) -> dict[str, Any]:
    """Return the summary for a report, with the facts in which this machine is not the one that was calibrated."""
    there = document["identity"]
    return dict(document["summary"]) | {
        "elsewhere": [name for name in IDENTITY if there.get(name) != identity.get(name)]
    }


def summarize(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the error rates of these runs, the smallest change that they find, and the spread between them."""
    questions = [[_question(one) for one in run["benchmarks"]] for run in runs]
    outcomes = [{one.outcome for one in judge(asked)} for asked in questions]
    different = sum(bool(found & {Outcome.BETTER, Outcome.WORSE}) for found in outcomes)
    unsure = sum(bool(found & {Outcome.INCONCLUSIVE, Outcome.INVALID}) for found in outcomes)
    metrics = dict.fromkeys(one.shown.metric for asked in questions for one in asked if not _exact(one))
    return {
        "runs": len(runs),
        "false_alarms": _rate(different, len(runs)),
        "inconclusive": _rate(unsure, len(runs)),
        "smallest_found": {metric: _smallest_found(questions, metric) for metric in metrics},
        "between_runs": _between_runs([run["levels"] for run in runs]),
    }


def _empty(plan: RunPlan) -> dict[str, Any]:
    """Return a calibration without runs."""
    manifest, identity = read_manifest(plan.base), environment.identity()
    settings = settings_of(plan, inputs_of(plan, manifest))
    return {
        "schema": CALIBRATION_SCHEMA,
        "kind": "calibration",
        "content_id": manifest.content_id,
        "identity": {name: identity.get(name) for name in IDENTITY},
        "settings": {name: value for name, value in settings.items() if name != "seed"},
        "summary": {},
        "runs": [],
    }


def _run(report: CompareReport) -> dict[str, Any]:
    """Return what a calibration keeps of one run."""
    return {
        "created": report.created,
        "exit_code": int(report.exit_code),
        "benchmarks": [_stored(one.question) for one in report.judged],
        "levels": {variant: levels(pairs) for variant, pairs in report.samples.items()},
    }


def _write(output: Path, document: Mapping[str, Any]) -> None:
    write_file(output, json.dumps(document, ensure_ascii=False, allow_nan=False).encode() + b"\n")


def _stored(question: Question) -> dict[str, Any]:
    shown, effect = question.shown, question.effect
    exact = effect is not None and effect.exact
    return {
        "bundle": shown.bundle,
        "variant": shown.variant,
        "scenario": shown.scenario,
        "metric": shown.metric,
        "problem": question.problem,
        "effect": None
        if not isinstance(effect, Student) or exact
        else {"estimate": effect.estimate, "error": effect.standard_error, "df": effect.df, "n": effect.n},
    }


def _question(stored: Mapping[str, Any]) -> Question:
    shown = Measurement(stored["bundle"], stored["variant"], stored["scenario"], stored["metric"], None, None, None, 0)
    effect = stored["effect"]
    found = Student(0.0, 0.0, math.inf, 1)
    if effect is not None:
        found = Student(effect["estimate"], effect["error"], effect["df"], effect["n"])
    return Question(shown, shown, found, problem=stored["problem"])


def _exact(question: Question) -> bool:
    return question.effect is not None and question.effect.exact


def _smallest_found(runs: Sequence[Sequence[Question]], metric: str) -> float | None:
    """Return the smallest change of `GRID` that nine of ten runs find; None where they find none.

    A change multiplies the times of every pair alike, so what a run would have said of a slower build follows from what
    it measured of an equal one. `make gate-figures` checks that with builds that are really slower.
    """
    for share in GRID:
        found = [any(one.outcome is Outcome.WORSE for one in judge(_shifted(asked, metric, share))) for asked in runs]
        if np.mean(found) >= POWER:
            return share
    return None


def _shifted(asked: Iterable[Question], metric: str, share: float) -> list[Question]:
    """Return the questions with one metric that much worse."""
    found = []
    for one in asked:
        effect = one.effect
        if one.shown.metric == metric and isinstance(effect, Student):
            found.append(replace(one, effect=replace(effect, estimate=effect.estimate + math.log1p(share))))
        else:
            found.append(one)
    return found


def _between_runs(runs: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Return the standard deviation of each benchmark's logarithm between runs, all variants pooled."""
    if len(runs) < 2:
        return {}
    spreads: dict[str, list[float]] = {}
    for variant in runs[0]:
        for name in runs[0][variant]:
            values = [math.log(run[variant][name]) for run in runs if run.get(variant, {}).get(name, 0) > 0]
            if len(values) == len(runs):
                spreads.setdefault(name, []).append(float(np.var(values, ddof=1)))
    return {
        name: {"sd": math.sqrt(float(np.mean(found))), "df": float(len(runs) - 1), "runs": len(runs)}
        for name, found in spreads.items()
    }


def _rate(count: int, runs: int) -> dict[str, float]:
    interval = wilson_interval(count, runs)
    return {"count": count, "low": interval.low, "high": interval.high}
