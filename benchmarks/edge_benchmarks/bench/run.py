"""Measure bundles on this machine: latency whole and by stage, in scenarios; cold start, memory, size and accuracy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edge_benchmarks.accuracy.answers import Label
from edge_benchmarks.bench.arms import Arm, open_bundle_arms, with_accuracy
from edge_benchmarks.bench.document import BenchReport, Comparison
from edge_benchmarks.bench.lengths import Lengths, lengths_of
from edge_benchmarks.bench.onnx_files import open_onnx_arm
from edge_benchmarks.bench.rows import rows_of
from edge_benchmarks.bench.scenarios import DEFAULT, SCENARIOS, scenario
from edge_benchmarks.bench.scenarios.cold_start import measure_cold_starts
from edge_benchmarks.bench.scenarios.interface import Phase, Plan, State
from edge_benchmarks.bench.variants import VariantResult
from edge_benchmarks.inputs import BenchInput, read_inputs, synthetic_photo, synthetic_text
from edge_benchmarks.machine import environment
from edge_benchmarks.machine.sizes import runtime_bytes
from edge_benchmarks.machine.watch import Watch
from edge_benchmarks.timing import judge_time
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from edge_runtime import Model

__all__ = ["BenchReport", "bench"]

SHORTEST = 0.01
"""Seconds."""

Data = Callable[["Model"], Iterable[tuple[Any, Label]]]
"""Gives the labeled items on which a model's accuracy is measured."""


def bench(
    bundles: str | Path | Sequence[str | Path],
    *,
    device: Literal["cpu", "cuda"] = "cpu",
    threads: int | Sequence[int] | None = None,
    variants: Sequence[str] | None = None,
    inputs: Sequence[str | Path] = (),
    scenarios: Sequence[str] = DEFAULT,
    seconds: float = 20.0,
    batches: Sequence[int] = (8,),
    gaps: Sequence[float] = (0.0, 0.1, 1.0, 10.0),
    qps: float = 10.0,
    callers: int = 4,
    cold_starts: int = 20,
    data: Data | None = None,
    margin: float = 0.02,
    seed: int = 0,
    say: Callable[[str], object] = lambda line: None,
    save: Callable[[BenchReport], object] = lambda report: None,
) -> BenchReport:
    """Measure every variant of one or several bundles for a device, side by side.

    The golden vectors run first: what does not answer rightly here is not timed. Nothing in the report names a path.

    Args:
        bundles: Paths of bundles, or of plain `.onnx` files, of which the model alone is timed; the first one's default
            variant leads the report.
        device: Where to run.
        threads: As in `edge_runtime.load`; of several numbers each is measured, beside the others.
        variants: Names of the variants to measure; all of the device's by default.
        inputs: Files to feed; by default one seeded synthetic photo of 640x480, or a text of 24 words.
        scenarios: Of `edge_benchmarks.bench.scenarios.SCENARIOS`.
        seconds: About how long end-to-end latency is measured in single-stream; other phases take a share of it. Where
            the clock wanders, 20 s resolve p90 and 10 s often do not.
        batches: Inputs a batch, for each throughput measurement of offline.
        gaps: Seconds between calls, for each measurement of idle-gap.
        qps: Calls a second that come in server.
        callers: Threads that answer them.
        cold_starts: Fresh processes for each variant; 0 leaves cold start and memory out.
        data: Given a bundle's model, returns the labeled items for its accuracy; texts by length are taken from them.
        margin: Variants whose time ratio lies within `1 +- margin` count as the same.
        seed: Of the order of calls, of arrivals and of synthetic inputs.
        say: Called with a line at each step, for a progress display.
        save: Called with the partial report after each phase, so that a kill loses no more than one phase.

    Returns:
        The report. After Ctrl-C it is `partial` and holds what was measured; look at `valid` before using a number.

    Raises:
        SelfTestError: an answer is wrong on this machine.
        InputError: no such bundle, variant, scenario or input.
        MachineError: the device or ONNX Runtime is missing.
    """
    paths = [Path(bundles)] if isinstance(bundles, str | Path) else [Path(path) for path in bundles]
    _check(scenarios, {
        "bundles": (len(paths), 1), "seconds": (seconds, SHORTEST), "threads": (_least(threads), 1),
        "inputs a batch": (min(batches, default=0), 1), "seconds between calls": (min(gaps, default=-1), 0),
        "calls a second": (qps, 0.01), "callers": (callers, 1), "cold starts": (cold_starts, 0),
    })  # fmt: skip
    counts = [threads] if threads is None or isinstance(threads, int) else list(threads)
    arms = [arm for count in counts for arm in _open(paths, device, count, variants, say, several=len(counts) > 1)]
    fed = read_inputs(inputs) if inputs else [_synthetic(arms, seed)]
    data = cache(data) if data is not None else None  # opened once for all that is asked of it
    if data is not None:
        say("measuring accuracy")
        arms = with_accuracy(arms, data)
    lengths = _lengths(arms, scenarios, data, seed)
    settings = {
        "device": device, "threads": counts if len(counts) > 1 else counts[0], "scenarios": list(scenarios),
        "seconds": seconds,
        "batches": list(batches), "gaps": list(gaps), "qps": qps, "callers": callers, "cold_starts": cold_starts,
        "margin": margin, "seed": seed, "inputs": [one.describe() for one in fed],
        "lengths": lengths.describe() if lengths else None,
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="edge-") as folder:
        files = [one.on_disk(Path(folder)) for one in fed]
        plan = Plan(arms, _baseline(arms), fed, files, device, seconds, batches, gaps, qps, callers,
                    cold_starts, seed, say, Watch(max(arm.facts.threads for arm in arms)), Path(folder),
                    lengths)  # fmt: skip
        state = State()
        report = partial(_report, plan, state, settings, margin, environment.capture())
        state.save = lambda: save(report(partial=True))
        return report(partial=_run(plan, state, scenarios))


def _check(scenarios: Sequence[str], least: Mapping[str, tuple[float, float]]) -> None:
    """Refuse what cannot be measured; `least` has for each setting its smallest value, and the smallest allowed."""
    for name, (value, allowed) in least.items():
        if value < allowed:
            raise InputError(f"{value:g} {name}: give at least {allowed:g}")
    unknown = [name for name in scenarios if name not in SCENARIOS]
    if unknown or not scenarios:
        raise InputError(f"scenario {(unknown or [''])[0]!r}: there are {', '.join(SCENARIOS)}")


def _least(threads: int | Sequence[int] | None) -> int:
    """Return the smallest number of threads that was asked for; where none was, the machine's is right."""
    if threads is None or isinstance(threads, int):
        return 1 if threads is None else threads
    return min(threads, default=0)


def _open(
    paths: Sequence[Path], device: Literal["cpu", "cuda"], threads: int | None, variants: Sequence[str] | None,
    say: Callable[[str], object], *, several: bool,
) -> list[Arm]:  # fmt: skip
    arms: list[Arm] = []
    for path in paths:
        say(f"checking the answers of {path.name}")
        prefix = f"{path.name}:" if len(paths) > 1 else ""
        if path.suffix.lower() == ".onnx":
            arms.append(open_onnx_arm(path, device, threads))
        else:
            arms += open_bundle_arms(path, prefix, device, threads, variants)
    return [arm.renamed(f"{arm.name}@{threads}") for arm in arms] if several else arms


def _synthetic(arms: Sequence[Arm], seed: int) -> BenchInput:
    tasks = [arm.model.manifest.task for arm in arms if arm.model is not None]
    if not tasks:  # plain files are fed by their own signatures
        return BenchInput(f"seeded-tensors-seed{seed}", b"")
    return synthetic_photo(seed) if tasks[0].startswith("image") else synthetic_text(seed)


def _lengths(arms: Sequence[Arm], scenarios: Sequence[str], data: Data | None, seed: int) -> Lengths | None:
    """Return the texts by length, where an arm reads texts; a run of nothing but these needs one that does."""
    readers = [arm.model for arm in arms if arm.model is not None and arm.model.manifest.task.startswith("text")]
    if not readers and set(scenarios) == {"by-length"}:
        raise InputError("scenario 'by-length' is for bundles that read texts; leave it out")
    if not readers or not {"by-length", "offline"} & set(scenarios):
        return None
    return lengths_of(readers[0], data(readers[0]) if data else None, seed)


def _run(plan: Plan, state: State, scenarios: Sequence[str]) -> bool:
    """Run every scenario; return whether Ctrl-C ended it early, with what was measured left in `state`."""
    try:
        for name in SCENARIOS:
            if name in scenarios:
                scenario(name)(plan, state)
        measure_cold_starts(plan, state)
    except KeyboardInterrupt:
        return True
    return False


def _report(
    plan: Plan, state: State, settings: dict[str, Any], margin: float, machine: dict[str, Any], *, partial: bool
) -> BenchReport:
    after = plan.watch.conditions()
    problems = [f"{phase.scenario}: {problem}" for phase in state.phases for problem in phase.problems]
    kinds = {arm.model.manifest.task.partition("-")[0] for arm in plan.arms if arm.model is not None}
    return BenchReport(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        settings=settings,
        environment=machine | {"conditions": plan.watch.before, "conditions_after": after},
        results=tuple(VariantResult(arm.facts, tuple(state.cold_starts.get(arm.name, ()))) for arm in plan.arms),
        rows=tuple(rows_of(state.phases)),
        comparisons=tuple(one for phase in state.phases for one in _compare(phase, plan.baseline, margin)),
        problems=(*problems, *plan.watch.problems(after)),
        partial=partial,
        runtime_bytes=runtime_bytes(kinds),
        phases=tuple(state.phases),
    )


def _baseline(arms: Sequence[Arm]) -> str:
    """Choose what the others are compared with: a lone bundle's fp32 variant, or the first arm of several bundles."""
    several = len({arm.path for arm in arms}) > 1
    floats = [] if several else [arm for arm in arms if arm.facts.precision == "fp32"]
    return (floats or list(arms))[0].name


def _compare(phase: Phase, baseline: str, margin: float) -> list[Comparison]:
    names = list(phase.timings.samples_ns)
    if not phase.paired or baseline not in names or not phase.timings.rounds:
        return []
    return [
        Comparison(phase.scenario, phase.what, name, baseline, judge_time(phase.timings, name, baseline, margin))
        for name in names
        if name != baseline
    ]
