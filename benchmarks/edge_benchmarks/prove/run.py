"""Prove a bundle on the machine that will run it: right answers, which variant is faster, how much memory it takes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

from edge_benchmarks.machine import environment
from edge_benchmarks.prove.proof import SETS, Proof, ProvenVariant
from edge_benchmarks.timing import ProcessPair, WorkerSpec, measure_pairs
from edge_runtime.bundle import Bundle, open_bundle
from edge_runtime.cpus import available_cpus
from edge_runtime.errors import BundleError, EdgeWarning, InputError
from edge_runtime.golden import read_golden, selftest
from edge_runtime.manifest import Manifest, Variant


def prove(
    path: str | Path,
    *,
    threads: int | None = None,
    seconds: float = 30.0,
    processes: int = SETS,
    seed: int = 0,
    say: Callable[[str], object] = lambda line: None,
) -> Proof:
    """Run the golden vectors of every CPU variant here, then time the variants side by side in fresh processes.

    It needs `edge-runtime`, numpy and an ONNX Runtime, and with the default takes less than three minutes on a small
    board. Where the golden vectors fail nothing is timed.

    Args:
        path: A bundle.
        threads: As in `edge_runtime.load`: by default all CPUs that this process may use, which is what a host gets.
        seconds: About how long the variants are timed together; starting the processes comes on top.
        processes: Fresh ones of each variant; fewer than `SETS` prove nothing.
        seed: Of the order of turns.
        say: Called with a line at each step, for a progress display.

    Raises:
        InputError: no such bundle, or a number is out of range.
        BundleError: the bundle cannot be trusted or read, or has no variant for the CPU.
        MachineError: ONNX Runtime is missing, or a process died.
    """
    if seconds <= 0 or processes < 1:
        raise InputError(f"{seconds} s, {processes} processes: positive numbers are expected")
    bundle = open_bundle(path)
    bundle.verify()
    variants = [variant for variant in bundle.manifest.variants if variant.device == "cpu"]
    if not variants:
        raise BundleError(f"{path}: has no variant for the CPU, and others cannot be proven with this command yet")
    described = environment.capture()
    say(f"running the golden vectors of {', '.join(variant.name for variant in variants)}")
    with warnings.catch_warnings():
        # That nobody verified or proved it here is why this runs.
        warnings.simplefilter("ignore", EdgeWarning)
        checked = selftest(path, threads=threads)
    sets: tuple[ProcessPair, ...] = ()
    watch = environment.CpuWatch()
    if checked.passed:
        specs = _specs(bundle, Path(path), variants, threads)
        sets = measure_pairs(specs, pairs=processes, seconds=seconds, seed=seed, say=say)
    return Proof(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        manifest=bundle.manifest,
        environment=described | {"conditions_after": environment.conditions() | watch.conditions()},
        settings={"threads": threads, "seconds": seconds, "processes": processes, "seed": seed},
        golden_cases=checked.cases,
        failures=checked.failures,
        variants=tuple(_variant(variant, bundle.manifest, sets, threads) for variant in variants),
        sets=sets,
    )


def _specs(bundle: Bundle, path: Path, variants: Sequence[Variant], threads: int | None) -> dict[str, WorkerSpec]:
    """Say for each variant what its process runs; it is fed the golden inputs one after another."""
    cases = read_golden(bundle.read(bundle.manifest.golden)).cases
    inputs = [bundle.read(case.input) for case in cases]
    return {variant.name: WorkerSpec(path, variant.name, inputs, threads=threads) for variant in variants}


def _variant(variant: Variant, manifest: Manifest, sets: Sequence[ProcessPair], threads: int | None) -> ProvenVariant:
    sizes = {entry.path: entry.size for entry in manifest.files}
    provider = sets[0].started[variant.name].provider if sets else ""
    return ProvenVariant(variant.name, variant.precision, provider, threads or available_cpus(), sizes[variant.file])
