"""Prove a bundle on the machine that will run it: right answers, which variant is faster, how much memory it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from edge_benchmarks import environment
from edge_benchmarks.proof import Proof, ProvenVariant
from edge_benchmarks.timing import ROUNDS_PER_BLOCK, InterleavedTimings, timer_cost
from edge_benchmarks.timing.workers import Memory, Started, Worker, WorkerSpec, running
from edge_runtime.bundle import Bundle, open_bundle
from edge_runtime.cpus import available_cpus
from edge_runtime.errors import BundleError, InputError
from edge_runtime.golden import read_golden, selftest
from edge_runtime.manifest import Manifest, Variant

WARMUP_SECONDS = 1.0
LEAST_ROUNDS = 24
"""Under this no test sees that a ratio moved; a slow model on a small board gets no more."""

MOST_ROUNDS = 2_000
"""More would not narrow an interval that anyone reads."""


@dataclass(frozen=True)
class _Timed:
    """What the processes of the variants, one each, took."""

    timings: InterleavedTimings
    """Of the model alone, by variant."""
    started: dict[str, Started]
    memory: dict[str, Memory]


def prove(
    path: str | Path,
    *,
    threads: int | None = None,
    seconds: float = 30.0,
    seed: int = 0,
    say: Callable[[str], object] = lambda line: None,
) -> Proof:
    """Run the golden vectors of every CPU variant here, then time the variants side by side, each in its own process.

    It needs `edge-runtime`, numpy and an ONNX Runtime, and with the default takes less than three minutes on a small
    board. Where the golden vectors fail nothing is timed.

    Args:
        path: A bundle.
        threads: As in `edge_runtime.load`: by default all CPUs that this process may use, which is what a host gets.
        seconds: About how long the variants are timed together.
        seed: Of the order of turns.
        say: Called with a line at each step, for a progress display.

    Raises:
        InputError: no such bundle, or a number is out of range.
        BundleError: the bundle cannot be trusted or read, or has no variant for the CPU.
        MachineError: ONNX Runtime is missing, or a process died.
    """
    if seconds <= 0:
        raise InputError(f"seconds={seconds}: a positive number is expected")
    bundle = open_bundle(path)
    bundle.verify()
    variants = [variant for variant in bundle.manifest.variants if variant.device == "cpu"]
    if not variants:
        raise BundleError(f"{path}: has no variant for the CPU, and others cannot be proven with this command yet")
    described = environment.capture()
    say(f"running the golden vectors of {', '.join(variant.name for variant in variants)}")
    checked = selftest(path, threads=threads)
    timed, watched = None, {}
    if checked.passed:
        say(f"timing {len(variants)} variants for {seconds:g} s")
        watch = environment.CpuWatch()
        specs = _specs(bundle, Path(path), variants, threads)
        timed = _time(specs, seconds, seed)
        watched = watch.conditions()
    return Proof(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        manifest=bundle.manifest,
        environment=described | {"conditions_after": environment.conditions() | watched},
        settings={"threads": threads, "seconds": seconds, "seed": seed},
        golden_cases=checked.cases,
        failures=checked.failures,
        variants=tuple(_result(variant, bundle.manifest, timed, threads) for variant in variants),
        timings=timed.timings if timed else None,
    )


def _specs(bundle: Bundle, path: Path, variants: Sequence[Variant], threads: int | None) -> dict[str, WorkerSpec]:
    """Say for each variant what its process runs; it is fed the golden inputs one after another."""
    cases = read_golden(bundle.read(bundle.manifest.golden)).cases
    inputs = [bundle.read(case.input) for case in cases]
    return {variant.name: WorkerSpec(path, variant.name, inputs, threads=threads) for variant in variants}


def _time(specs: Mapping[str, WorkerSpec], seconds: float, seed: int) -> _Timed:
    """Let each variant's process run one call a turn, in random balanced order."""
    workers: dict[str, Worker] = {}
    started: dict[str, Started] = {}
    with ExitStack() as stack:
        for name, spec in specs.items():
            workers[name], started[name] = stack.enter_context(running(spec, warmup_seconds=WARMUP_SECONDS))
        # A turn is the call that counts and one before it, which wakes the process up.
        round_ns = sum(2 * one.call_ns for one in started.values())
        rounds = int(np.clip(seconds * 1e9 / round_ns, LEAST_ROUNDS, MOST_ROUNDS))
        timings = _take_turns(workers, rounds - rounds % ROUNDS_PER_BLOCK, seed)
        memory = {name: worker.end() for name, worker in workers.items()}
    return _Timed(timings, started, memory)


def _take_turns(workers: dict[str, Worker], rounds: int, seed: int) -> InterleavedTimings:
    rng, names = np.random.default_rng(seed), list(workers)
    samples: dict[str, list[int]] = {name: [] for name in names}
    for block in range(rounds // ROUNDS_PER_BLOCK):
        order = rng.permutation(len(names)).tolist()
        for arm in order + order[::-1]:
            samples[names[arm]] += workers[names[arm]].turn(1, block).infer_ns
    arrays = {name: np.asarray(values, dtype=np.int64) for name, values in samples.items()}
    return InterleavedTimings(arrays, timer_cost(), seed)


def _result(variant: Variant, manifest: Manifest, timed: _Timed | None, threads: int | None) -> ProvenVariant:
    sizes = {entry.path: entry.size for entry in manifest.files}
    started = timed.started[variant.name] if timed else None
    memory = timed.memory[variant.name] if timed else None
    return ProvenVariant(
        name=variant.name,
        precision=variant.precision,
        provider=started.provider if started else "",
        threads=threads or available_cpus(),
        bytes=sizes[variant.file],
        first_label_ms=started.first_label_ns / 1e6 if started else None,
        peak_rss=memory.peak_rss_bytes if memory else None,
        steady_rss=memory.steady_rss_bytes if memory else None,
    )
