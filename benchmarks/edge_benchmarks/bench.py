"""Measure bundles on this machine: latency whole and by stage, throughput, cold start, memory and size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from edge_benchmarks import environment
from edge_benchmarks.bench_report import (
    BenchReport,
    Comparison,
    VariantResult,
    summarize_latency,
    summarize_throughput,
)
from edge_benchmarks.inputs import read_inputs, synthetic_photo
from edge_benchmarks.phases import Arm, Plan, State, run_phases
from edge_benchmarks.stages import STAGES
from edge_benchmarks.timing import InterleavedTimings, judge_time
from edge_runtime.errors import InputError

__all__ = ["BenchReport", "bench"]


def bench(
    bundles: str | Path | Sequence[str | Path],
    *,
    device: Literal["cpu", "cuda"] = "cpu",
    threads: int | None = None,
    variants: Sequence[str] | None = None,
    inputs: Sequence[str | Path] = (),
    seconds: float = 20.0,
    batch: int = 8,
    cold_starts: int = 5,
    margin: float = 0.02,
    seed: int = 0,
    say: Callable[[str], object] = lambda line: None,
) -> BenchReport:
    """Measure every variant of one or several bundles for a device, side by side.

    The golden vectors run first: what does not answer rightly here is not timed. The scenario is MLPerf's
    single-stream, one image at a time; throughput is its offline scenario. Nothing in the report names a path.

    Args:
        bundles: Paths of bundles; the first one's default variant leads the report.
        device: Where to run.
        threads: As in `edge_runtime.load`.
        variants: Names of the variants to measure; all of the device's by default.
        inputs: Image files to feed; by default one seeded synthetic photo of 640x480.
        seconds: About how long end-to-end latency is measured; the model alone takes a quarter of it, throughput an
            eighth. Where the clock wanders, 20 s resolve p90 and 10 s often do not.
        batch: Images a batch in the throughput measurement.
        cold_starts: Fresh processes for each variant; 0 leaves cold start and memory out.
        margin: Variants whose time ratio lies within `1 +- margin` count as the same.
        seed: Of the order of calls and of the synthetic photo.
        say: Called with a line at each step, for a progress display.

    Returns:
        The report. After Ctrl-C it is `partial` and holds what was measured; look at `valid` before using a number.

    Raises:
        SelfTestError: a golden vector fails on this machine.
        InputError: no such bundle, variant or input.
        MachineError: the device or ONNX Runtime is missing.
    """
    paths = [Path(bundles)] if isinstance(bundles, str | Path) else [Path(path) for path in bundles]
    if not paths or seconds <= 0 or batch < 1 or cold_starts < 0:
        raise InputError(f"{len(paths)} bundles, {seconds} s, batch {batch}, {cold_starts} cold starts: too few")
    fed = read_inputs(inputs) if inputs else [synthetic_photo(seed)]
    machine = environment.capture()
    arms: list[Arm] = []
    for path in paths:
        say(f"checking the golden vectors of {path.name}")
        prefix = f"{path.name}:" if len(paths) > 1 else ""
        arms += _open(path, prefix, device, threads, variants)
    baseline = _baseline(arms)
    plan = Plan(arms, baseline, fed, device, threads, seconds, batch, cold_starts, seed, say)
    state = State()
    watch = environment.CpuWatch()
    partial = run_phases(plan, state)
    after = environment.conditions() | watch.conditions()
    settings = {
        "device": device, "threads": threads, "seconds": seconds, "batch": batch, "cold_starts": cold_starts,
        "margin": margin, "seed": seed, "inputs": [one.describe() for one in fed],
    }  # fmt: skip
    results = tuple(_result(arm, state, batch) for arm in arms)
    comparisons = _compare(state.whole, "end-to-end", baseline, margin) + _compare(
        state.model, "model", baseline, margin
    )
    return BenchReport(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        settings=settings,
        environment=machine | {"conditions_after": after},
        results=results,
        comparisons=comparisons,
        problems=tuple(state.problems),
        partial=partial,
        attempts=max(state.attempts, 1),
        samples=state.samples(),
    )


def _open(
    path: Path, prefix: str, device: Literal["cpu", "cuda"], threads: int | None, wanted: Sequence[str] | None
) -> list[Arm]:
    """Load the variants of one bundle and run their golden vectors."""
    from edge_runtime import load, selftest

    first = load(path, device=device, threads=threads, variant=wanted[0] if wanted else None)
    names = wanted or [variant.name for variant in first.manifest.variants if variant.device == device]
    arms = []
    for name in names:
        model = first if name == first.variant.name else load(path, device=device, threads=threads, variant=name)
        checked = selftest(model)
        checked.raise_for_failures()
        arms.append(Arm(prefix + name, path, model, checked.cases))
    return arms


def _result(arm: Arm, state: State, batch: int) -> VariantResult:
    from edge_runtime.cpus import available_cpus

    model, manifest = arm.model, arm.model.manifest
    sizes = {entry.path: entry.size for entry in manifest.files}
    options = model.session.get_session_options()
    result = VariantResult(
        arm=arm.name,
        bundle=arm.path.name,
        name=manifest.name,
        version=manifest.version,
        content_id=model.content_id,
        variant=model.variant.name,
        precision=model.variant.precision,
        provider=model.session.get_providers()[0],
        threads=options.intra_op_num_threads or available_cpus(),
        golden_cases=arm.golden_cases,
        variant_bytes=sizes[model.variant.file],
        bundle_bytes=_size(arm.path),
        cold_starts=tuple(state.cold_starts.get(arm.name, ())),
    )
    if state.whole is not None and state.whole.rounds:
        whole, stages = state.whole.samples_ns[arm.name], state.stages[arm.name]
        accounted = sum(int(stages[stage].sum()) for stage in STAGES)
        by_stage = {stage: latency for stage in STAGES if (latency := summarize_latency(stages[stage]))}
        result = replace(
            result,
            latency=summarize_latency(whole),
            stages=by_stage,
            unaccounted_share=1.0 - accounted / int(whole.sum()),
        )
    if state.model is not None:
        result = replace(result, model_latency=summarize_latency(state.model.samples_ns[arm.name]))
    if state.offline is not None and state.offline.rounds:
        result = replace(result, throughput=summarize_throughput(state.offline, arm.name, batch))
    return result


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _baseline(arms: Sequence[Arm]) -> str:
    """Choose what the others are compared with: a lone bundle's fp32 variant, or the first arm of several bundles."""
    several = len({arm.path for arm in arms}) > 1
    floats = [] if several else [arm for arm in arms if arm.model.variant.precision == "fp32"]
    return (floats or list(arms))[0].name


def _compare(timings: InterleavedTimings | None, what: str, baseline: str, margin: float) -> tuple[Comparison, ...]:
    if timings is None or not timings.rounds:
        return ()
    others = [name for name in timings.samples_ns if name != baseline]
    return tuple(Comparison(what, name, baseline, judge_time(timings, name, baseline, margin)) for name in others)
