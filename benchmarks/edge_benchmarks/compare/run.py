"""Two bundles measured side by side in one job: golden vectors, pairs of fresh processes, sizes, accuracy, verdicts."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from edge_benchmarks.compare.accuracy import Data, accuracy_question
from edge_benchmarks.compare.budgets import Budget, check, disturbed, limits
from edge_benchmarks.compare.document import CompareReport
from edge_benchmarks.compare.judge import Limit, Question, judge
from edge_benchmarks.compare.pairs import BASE, NEW, measured, questions, samples
from edge_benchmarks.compare.sides import (
    differences,
    match_variants,
    placeholder,
    read_manifest,
    side,
    sizes,
    synthetic_input,
)
from edge_benchmarks.inputs import BenchInput, read_inputs
from edge_benchmarks.machine import environment
from edge_benchmarks.machine.watch import Watch
from edge_benchmarks.measurements import Measurement
from edge_benchmarks.timing import InterruptedPairs, ProcessPair, WorkerSpec, measure_pairs
from edge_benchmarks.timing.paired import PAIRS
from edge_benchmarks.timing.workers import Started, running
from edge_runtime.cpus import available_cpus

if TYPE_CHECKING:
    from edge_runtime.manifest import Manifest

SECONDS = 2.5
"""Measured time for each variant, by default: with `PAIRS` pairs some 8 s in all."""


@dataclass(frozen=True)
class RunPlan:
    """What to compare and how long."""

    base: Path
    new: Path
    device: Literal["cpu", "cuda"] = "cpu"
    threads: int | None = None
    """As in `edge_runtime.load`."""
    variants: tuple[str, ...] = ()
    """Names; none takes every one that BASE has for the device."""
    inputs: tuple[Path, ...] = ()
    """Files to feed; none takes a synthetic input."""
    pairs: int = PAIRS
    """Fresh processes of each side."""
    seconds: float = SECONDS
    """Measured time for each variant, about; starting the processes comes on top."""
    base_python: str = sys.executable
    """The interpreter that runs BASE: another environment's, to compare versions of ONNX Runtime."""
    budgets: tuple[Budget, ...] = ()
    latency_margin: float | None = None
    """Instead of `edge_benchmarks.compare.judge.LATENCY_MARGIN`."""
    slowdown: float = 0.0
    """Share by which every call of NEW is really made longer; for testing a gate."""
    seed: int = 0
    """Of the order of turns and the layouts of memory."""


def compare_run(
    plan: RunPlan,
    *,
    data: Data | None = None,
    calibration: Mapping[str, Any] | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> CompareReport:
    """Measure two bundles beside each other and judge NEW.

    The golden vectors of both run first: what does not answer rightly here is not timed.

    Args:
        plan: What to compare.
        data: Given a bundle's model, returns the labeled items for its accuracy.
        calibration: Summary of this gate's error rates on this runner, for the report.
        say: Called with a line at each step, for a progress display.

    Returns:
        The report. After Ctrl-C it is `partial` and holds the variants and pairs that were done.

    Raises:
        SelfTestError: a golden vector fails on this machine.
        InputError: no such bundle, variant or input.
        MachineError: the device, ONNX Runtime or the other interpreter is missing, or a process died.
    """
    manifests = {BASE: read_manifest(plan.base), NEW: read_manifest(plan.new)}
    both, gone, fresh = match_variants(manifests[BASE], manifests[NEW], plan.device, plan.variants)
    fed = inputs_of(plan, manifests[NEW])
    side_by_side = _SideBySide(plan, manifests, fed)
    machine = environment.capture()
    watch = Watch(plan.threads or available_cpus())
    found = _Found()

    def step(line: str) -> None:
        watch.look()
        say(line)

    try:
        for variant in both:
            _measure(side_by_side, variant, found, step)
            if data is not None:
                step(f"asking both about the labeled items, {variant}")
                _ask(side_by_side, variant, data, found)
    except KeyboardInterrupt:
        found.partial = True
    found.questions += [Question(placeholder(manifests[BASE], name), None) for name in gone]
    found.questions += [Question(None, placeholder(manifests[BASE], name)) for name in fresh]
    judged = judge(found.questions, _limits(plan, found.questions))
    after = watch.conditions()
    conditions = tuple(watch.problems(after))
    return CompareReport(
        mode="run",
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        base=side(manifests[BASE], found.started.get(BASE)),
        new=side(manifests[NEW], found.started.get(NEW)),
        judged=judged,
        checks=() if found.partial else disturbed(check(plan.budgets, found.measurements[NEW]), conditions),
        differences=differences(found.started),
        settings=settings_of(plan, fed),
        environment=machine | {"conditions_after": after},
        measurements=found.measurements,
        calibration=calibration,
        conditions=conditions,
        timer_ns=float(np.median(found.timer_ns)) if found.timer_ns else None,
        partial=found.partial,
        samples=found.samples,
    )


def inputs_of(plan: RunPlan, manifest: Manifest) -> list[BenchInput]:
    """Return what both sides are fed with.

    Raises:
        InputError: a file cannot be read.
    """
    return read_inputs(plan.inputs) if plan.inputs else [synthetic_input(manifest)]


def settings_of(plan: RunPlan, fed: Sequence[BenchInput]) -> dict[str, Any]:
    """Return what a report says about the plan; it names no path."""
    plain = ("device", "threads", "pairs", "seconds", "latency_margin", "slowdown", "seed")
    return {name: getattr(plan, name) for name in plain} | {
        "variants": list(plan.variants),
        "inputs": [one.describe() for one in fed],
    }


@dataclass(frozen=True)
class _SideBySide:
    """The plan, and what was read for it."""

    plan: RunPlan
    manifests: Mapping[str, Manifest]
    fed: Sequence[BenchInput]


class _Found:
    """What has been measured so far."""

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.measurements: dict[str, list[Measurement]] = {BASE: [], NEW: []}
        self.samples: dict[str, Any] = {}
        self.started: dict[str, Started] = {}
        self.timer_ns: list[float] = []
        self.partial = False


def _measure(side_by_side: _SideBySide, variant: str, found: _Found, say: Callable[[str], object]) -> None:
    """Check and measure one variant of both sides."""
    plan = side_by_side.plan
    arms = _arms(plan, variant, side_by_side.fed)
    for arm, spec in arms.items():
        say(f"checking the golden vectors of {spec.bundle.name}, {variant}")
        with running(spec, warmup_seconds=0, check=True) as (_, started):
            found.started[arm] = started
    interrupted: InterruptedPairs | None = None
    try:
        pairs = measure_pairs(arms, pairs=plan.pairs, seconds=plan.seconds, seed=plan.seed, say=say)
    except InterruptedPairs as interrupt:
        pairs, interrupted = interrupt.pairs, interrupt
    if pairs:
        _keep(side_by_side, variant, pairs, found)
    if interrupted is not None:
        raise interrupted


def _ask(side_by_side: _SideBySide, variant: str, data: Data, found: _Found) -> None:
    """Add the accuracy of one variant of both sides."""
    plan = side_by_side.plan
    name = side_by_side.manifests[BASE].name
    question = accuracy_question(
        plan.base, plan.new, variant, data, name=name, device=plan.device, threads=plan.threads
    )
    found.questions.append(question)
    for arm, measurement in ((BASE, question.base), (NEW, question.new)):
        assert measurement is not None
        found.measurements[arm].append(measurement)


def _keep(side_by_side: _SideBySide, variant: str, pairs: Sequence[ProcessPair], found: _Found) -> None:
    plan, manifests = side_by_side.plan, side_by_side.manifests

    def named(scenario: str, metric: str) -> tuple[str, str, str, str]:
        # BASE's name on both sides: a renamed bundle is still the one to compare.
        return manifests[BASE].name, variant, scenario, metric

    paths = {BASE: plan.base, NEW: plan.new}
    of_arm = {
        arm: measured(pairs, arm, named) + sizes(paths[arm], manifests[arm], variant, named) for arm in (BASE, NEW)
    }
    for arm, measurements in of_arm.items():
        found.measurements[arm] += measurements
    found.questions += questions(pairs, of_arm[BASE], of_arm[NEW])
    found.samples[variant] = samples(pairs)
    found.timer_ns += [pair.whole.timer_ns for pair in pairs]


def _arms(plan: RunPlan, variant: str, fed: Sequence[BenchInput]) -> dict[str, WorkerSpec]:
    data = [one.data for one in fed]
    base = WorkerSpec(plan.base, variant, data, plan.device, plan.threads, plan.base_python)
    return {BASE: base, NEW: WorkerSpec(plan.new, variant, data, plan.device, plan.threads, slowdown=plan.slowdown)}


def _limits(plan: RunPlan, asked: Sequence[Question]) -> dict[str, Limit]:
    shown = [one.shown for one in asked]
    found = {}
    if plan.latency_margin is not None:
        found = {one.key: Limit(plan.latency_margin) for one in shown if "latency" in one.metric}
    return found | limits(plan.budgets, shown)
