"""The evidence file that a proof becomes: what the runtime reads of it, and a report for people."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from edge_benchmarks.measurements import Measurement
from edge_benchmarks.prove.proof import Proof, ProvenVariant, Verdict, between_sets
from edge_benchmarks.statistics import percentile_interval
from edge_benchmarks.timing import ProcessPair
from edge_benchmarks.verdicts import Interval, TimeVerdict
from edge_runtime.cpus import cpu_name, instruction_set
from edge_runtime.evidence import Evidence, Machine, Ratio, Timing, read_evidence

PROVE_SCHEMA = 1
"""Of the evidence's `report`; raised whenever a field changes its meaning or goes away."""


def evidence(proof: Proof) -> Evidence:
    """The evidence file's value; an invalid measurement leaves no timing in it."""
    from edge_runtime.session import import_onnxruntime

    version = str(import_onnxruntime().__version__)
    return Evidence(
        kind="prove",
        machine=Machine(instruction_set(), cpu_name(), version),
        selftest=not proof.failures,
        timings=() if proof.verdict is Verdict.INVALID else tuple(_timings(proof)),
        report=_report(proof),
    )


def evidence_file(proof: Proof) -> bytes:
    """Return the bytes of the evidence file.

    Raises:
        SchemaError: a runtime would refuse it, which would be a bug.
    """
    data = (json.dumps(asdict(evidence(proof)), ensure_ascii=False, allow_nan=False) + "\n").encode()
    read_evidence(data)
    return data


def _timings(proof: Proof) -> Iterator[Timing]:
    for variant in proof.variants if proof.sets else ():
        p50 = float(np.median(proof.samples_ms(variant.name)))
        compared = proof.comparisons.get(variant.name)
        if compared is None:
            yield Timing(variant.name, p50, variant.threads)
        elif math.isfinite(compared.ratio.high):
            ratio = Ratio(compared.ratio.estimate, compared.ratio.low, compared.ratio.high)
            yield Timing(variant.name, p50, variant.threads, proof.baseline, ratio)


def _report(proof: Proof) -> dict[str, Any]:
    return {
        "schema": PROVE_SCHEMA,
        "kind": "prove",
        "created": proof.created,
        "name": proof.manifest.name,
        "version": proof.manifest.version,
        "content_id": proof.manifest.content_id,
        "verdict": proof.verdict.value,
        "reason": proof.reason,
        "valid": proof.verdict is not Verdict.INVALID,
        "partial": False,
        "problems": list(proof.problems),
        "failures": list(proof.failures),
        "golden_cases": proof.golden_cases,
        "measurements": [one.to_dict() for one in measurements(proof)],
        "variants": [asdict(one) | {"content_id": proof.manifest.content_id} for one in proof.variants],
        "comparisons": [_comparison(name, proof.baseline, one) for name, one in proof.comparisons.items()],
        "settings": proof.settings,
        "environment": proof.environment,
        "sets": [_raw(one) for one in proof.sets],
    }


def measurements(proof: Proof) -> list[Measurement]:
    """Return the flat list of every number."""
    name = proof.manifest.name
    return [
        Measurement(name, variant.name, scenario, metric, ends[0], ends[1], ends[2], n)
        for variant in proof.variants
        for scenario, metric, ends, n in _numbers(proof, variant)
    ]


def _numbers(proof: Proof, variant: ProvenVariant) -> Iterator[tuple[str, str, tuple[float | None, ...], int]]:
    """Yield scenario, metric, the value with both ends of its interval, and samples."""
    if proof.sets:
        name, moved = variant.name, proof.shift(variant.name) is not None
        calls = proof.samples_ms(name)
        # Two processes differ for their whole lives, so the median is as sure as they agree.
        median = between_sets([float(np.median(one.model.samples_ns[name])) / 1e6 for one in proof.sets])
        yield "single-stream", "model_latency_p50", _ends(None if moved else median), len(calls)
        for metric, q in (("model_latency_p90", 0.9), ("model_latency_p99", 0.99)):
            yield "single-stream", metric, _ends(None if moved else percentile_interval(calls, q)), len(calls)
        for metric, of_process in PROCESS.items():
            known = [value for one in proof.sets if (value := of_process(one, name)) is not None]
            yield "cold-start", metric, _ends(between_sets(known)), len(known)
    yield "static", "variant_size", (float(variant.bytes),) * 3, 1


PROCESS: dict[str, Callable[[ProcessPair, str], float | None]] = {
    "first_label": lambda one, name: one.started[name].first_label_ns / 1e6,
    "peak_rss": lambda one, name: one.memory[name].peak_rss_bytes,
    "steady_rss": lambda one, name: one.memory[name].steady_rss_bytes,
}
"""Metric of a whole process to its value; None where the system does not tell."""


def _raw(one: ProcessPair) -> dict[str, Any]:
    processes = {name: {metric: value(one, name) for metric, value in PROCESS.items()} for name in one.started}
    return {"model": one.model.to_dict(), "processes": processes}


def _ends(interval: Interval | None) -> tuple[float | None, ...]:
    return (None,) * 3 if interval is None else (interval.estimate, interval.low, interval.high)


def _comparison(candidate: str, baseline: str, found: TimeVerdict) -> dict[str, Any]:
    ends = {"value": found.ratio.estimate, "low": found.ratio.low, "high": found.ratio.high}
    return {
        "what": "model",
        "candidate": candidate,
        "baseline": baseline,
        "verdict": found.verdict.value,
        "ratio": {name: value if math.isfinite(value) else None for name, value in ends.items()},
        "sets": found.rounds,
        "reason": found.reason,
    }
