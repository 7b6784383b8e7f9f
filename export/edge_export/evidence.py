"""What the exporting machine measured, as the evidence file that travels in the bundle."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from edge_export.candidates import BASELINE
from edge_runtime.cpus import cpu_name, instruction_set
from edge_runtime.evidence import Evidence, Machine, Ratio, Timing, read_evidence

EVIDENCE_FILE = "evidence/export.json"


def export_evidence(report: Mapping[str, Any], shipped: Sequence[str], threads: int) -> bytes:
    """Return the bytes of `EVIDENCE_FILE`.

    Args:
        report: The export's report; it goes along for people to read.
        shipped: Names of the bundle's variants; only what ships can be chosen.
        threads: Of each timed inference.
    """
    from onnxruntime import __version__ as version

    timings = [_timing(row, threads) for row in report["rows"] if row["variant"] in shipped]
    evidence = Evidence(
        kind="export",
        machine=Machine(instruction_set(), cpu_name(), version),
        selftest=None,
        timings=tuple(timing for timing in timings if timing is not None),
        report=dict(report),
    )
    data = (json.dumps(asdict(evidence), indent=1, ensure_ascii=False) + "\n").encode()
    read_evidence(data)  # nothing is written that a runtime would refuse
    return data


def _timing(row: Mapping[str, Any], threads: int) -> Timing | None:
    """Return one variant's timing; None where it was not timed, or too few rounds bound it."""
    p50 = (row.get("latency_ms") or {}).get("p50")
    speedup = row.get("speedup_over_baseline")
    if p50 is None:
        return None
    if row["variant"] == BASELINE:
        return Timing(BASELINE, p50["estimate"], threads)
    if speedup is None:
        return None
    ratio = Ratio(1 / speedup["estimate"], 1 / speedup["high"], 1 / speedup["low"])
    return Timing(row["variant"], p50["estimate"], threads, BASELINE, ratio)
