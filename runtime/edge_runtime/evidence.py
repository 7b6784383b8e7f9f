"""Evidence files: what a machine measured, of which the runtime reads what decides which variant runs there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from edge_runtime._reading import parse_json, read_dataclass, require

EVIDENCE_SCHEMA = 1
_MAX_EVIDENCE_BYTES = 32 << 20


@dataclass(frozen=True)
class Machine:
    """Where something was measured."""

    instruction_set: str
    """As `edge_runtime.cpus.instruction_set` names it: `x86_64-avx512_vnni`."""
    cpu: str
    """As `edge_runtime.cpus.cpu_name` names it."""
    onnxruntime: str
    """Version."""


@dataclass(frozen=True)
class Ratio:
    """A variant's time over its baseline's, from one interleaved run: under 1 is faster."""

    estimate: float
    low: float
    high: float
    """Ends of the 95 % interval."""


@dataclass(frozen=True)
class Timing:
    """How long one inference of one variant takes, at batch 1."""

    variant: str
    p50_ms: float
    threads: int
    baseline: str | None = None
    """The variant or graph that `ratio` is over; None for a baseline itself."""
    ratio: Ratio | None = None

    @property
    def proven(self) -> bool:
        """Whether it is a baseline, or faster than its baseline by the whole interval."""
        return self.ratio is None or self.ratio.high < 1


@dataclass(frozen=True)
class Evidence:
    """One file of `manifest.evidence`."""

    kind: Literal["export", "prove"]
    """Made by `edge export`, or on another machine to prove the bundle there."""
    machine: Machine
    selftest: bool | None
    """Whether the golden vectors passed there; None where the machine made them."""
    timings: tuple[Timing, ...]
    """All of one interleaved run, so that they can be compared."""
    report: Any
    """Anything that the maker wants to tell people; the runtime does not look at it."""
    schema: int = EVIDENCE_SCHEMA


def read_evidence(data: bytes, where: str = "evidence") -> Evidence:
    """Read an evidence file's bytes.

    Args:
        data: JSON.
        where: What an error calls it.

    Raises:
        SchemaError: of a newer schema, or a field is missing, unknown, mistyped or breaks a rule.
    """
    document = parse_json(data, where, _MAX_EVIDENCE_BYTES)
    schema = document.get("schema") if isinstance(document, dict) else None
    require(schema == EVIDENCE_SCHEMA, f"{where}.schema", schema, f"this runtime reads {EVIDENCE_SCHEMA}; upgrade it")
    evidence = read_dataclass(Evidence, document, where)
    for at, timing in enumerate(evidence.timings):
        place = f"{where}.timings[{at}]"
        require(timing.p50_ms > 0, f"{place}.p50_ms", timing.p50_ms, "a positive number")
        require(timing.threads > 0, f"{place}.threads", timing.threads, "a positive number")
        if timing.ratio is not None:
            ends = (timing.ratio.low, timing.ratio.estimate, timing.ratio.high)
            require(0 < ends[0] <= ends[1] <= ends[2], f"{place}.ratio", ends, "positive and in this order")
    return evidence
