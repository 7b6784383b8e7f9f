"""Stored results: what `bench` and `prove` wrote, read again and told in the same words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from edge_benchmarks.bench.document import BENCH_SCHEMA
from edge_benchmarks.files import read_json
from edge_benchmarks.measurements import Measurement, read_measurement
from edge_benchmarks.prove.evidence import PROVE_SCHEMA
from edge_benchmarks.prove.proof import Verdict
from edge_runtime.errors import InputError

SCHEMAS = {"bench": BENCH_SCHEMA, "prove": PROVE_SCHEMA}
"""Kind of document to the schema that is read."""

_MACHINE = ("cpu", "architecture", "instruction_set", "board", "cores_logical", "affinity", "cgroup_cpus", "gpus")
"""Facts of the identity that make two machines one kind: a latency of one tells about the other."""

_VERDICTS = {
    "faster": Verdict.PROVEN,
    "same": Verdict.PROVEN,
    "slower": Verdict.SLOWER,
    "inconclusive": Verdict.INCONCLUSIVE,
    "invalid": Verdict.INVALID,
}


@dataclass(frozen=True)
class Judged:
    """How one bundle did on one machine."""

    verdict: Verdict
    reason: str
    variant: str
    """The one that the bundle prefers, and the verdict is about."""
    content_id: str


@dataclass(frozen=True)
class Result:
    """One document."""

    source: str
    """The file's name."""
    kind: Literal["bench", "prove"]
    created: str
    """UTC, ISO 8601."""
    device: str
    """What a reader calls the machine: its board, or its processor."""
    machine: str
    """Names the kind of machine: with `how` it is what documents must share to be compared over time."""
    how: str
    """The command that measured, and on how many threads."""
    measurements: tuple[Measurement, ...]
    bundles: Mapping[str, Judged]
    """Name of a bundle to how it did."""
    usable: bool
    """Whether its numbers may be believed: it is neither invalid nor partial."""


def read_result(path: Path) -> Result:
    """Read what `edge bench -o FILE.json` or `edge-bench prove -o FILE.json` wrote.

    Raises:
        InputError: it cannot be read, is no such document, or of another schema.
    """
    document = read_json(path)
    kind = document.get("kind")
    if kind not in SCHEMAS:
        raise InputError(f"{path}: kind {kind!r}; what `edge bench` or `edge-bench prove` wrote is expected")
    # A proof is evidence for the runtime, and this is the part of it for people.
    report = document.get("report") if kind == "prove" else document
    schema = report.get("schema") if isinstance(report, dict) else None
    if not isinstance(report, dict) or schema != SCHEMAS[kind]:
        raise InputError(f"{path}: schema {schema!r} of a {kind} document, {SCHEMAS[kind]} is read; measure again")
    try:
        return _result(path.name, kind, report)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(f"{path}: a field is missing or of another type ({error}); write it again") from error


def _result(source: str, kind: Literal["bench", "prove"], report: Mapping[str, Any]) -> Result:
    identity = report["environment"]["identity"]
    machine = json.dumps([identity.get(name) for name in _MACHINE])
    return Result(
        source=source,
        kind=kind,
        created=str(report["created"]),
        device=f"{identity.get('board') or identity['cpu']} ({identity['instruction_set']})",
        machine=machine,
        how=f"{kind}, {_threads(report['settings']['threads'])}",
        measurements=tuple(
            read_measurement(one, f"{source}: measurements[{at}]") for at, one in enumerate(report["measurements"])
        ),
        bundles={report["name"]: _proven(report)} if kind == "prove" else dict(_benched(report)),
        usable=bool(report["valid"]) and not report["partial"],
    )


def _threads(count: int | None) -> str:
    return "all CPUs" if count is None else f"{count} thread{'s' * (count != 1)}"


def _proven(report: Mapping[str, Any]) -> Judged:
    return Judged(Verdict(report["verdict"]), report["reason"], report["variants"][0]["name"], report["content_id"])


def _benched(report: Mapping[str, Any]) -> Iterator[tuple[str, Judged]]:
    """Judge each bundle of a benchmark by its first variant, whole path if that was timed, one input at a time."""
    first: dict[str, Mapping[str, Any]] = {}
    for variant in report["variants"]:
        first.setdefault(variant["name"], variant)
    for name, variant in first.items():
        verdict, reason = _verdict(report, variant)
        yield name, Judged(verdict, reason, variant["variant"], variant["content_id"])


def _verdict(report: Mapping[str, Any], variant: Mapping[str, Any]) -> tuple[Verdict, str]:
    if report["partial"]:
        return Verdict.INVALID, "interrupted before it was done"
    if not report["valid"]:
        return Verdict.INVALID, str(report["problems"][0])
    found = [
        one
        for what in ("end-to-end", "model")
        for one in report["comparisons"]
        if one["candidate"] == variant["arm"] and one["what"] == what and one["scenario"] == "single-stream"
    ]
    if not found:
        return Verdict.PROVEN, "its answers are right, and there is no other variant to beat"
    reason = found[0]["reason"] or f"{found[0]['verdict']} against {found[0]['baseline']}"
    return _VERDICTS[found[0]["verdict"]], reason
