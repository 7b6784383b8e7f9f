"""What a report says in whole sentences, the same in every form: what was measured, what it costs, what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge_benchmarks.machine.validity import CROWDED
from edge_benchmarks.report import words
from edge_benchmarks.report.interface import Document

BUSY_CPUS = 0.25
"""CPUs' worth of other work from which on a reader is told of it."""


def title(document: Document) -> str:
    """Name what was measured."""
    names = dict.fromkeys(f"{one['name']} {one['version']}".strip() for one in document["variants"])
    return " and ".join(names) or "benchmark"


def where(document: Document) -> str:
    """Say in one line how and where it was measured."""
    identity, first = document["environment"]["identity"], document["variants"][0]
    return (
        f"{identity['cpu']} ({identity['instruction_set']}), "
        f"{first['threads']} thread{'s' * (first['threads'] != 1)}, {first['provider']}, {_date(document['created'])}"
    )


def sentence(document: Document) -> str:
    """Say in one plain sentence what the variant that the runtime takes costs, and how it compares."""
    arm = document["variants"][0]["arm"]
    row = words.row_of(document, arm) or words.row_of(document, arm, "model")
    if row is None or row["latency_ms"] is None:
        return f"{arm} was not timed one at a time."
    median, p90, infer = (
        row["latency_ms"]["p50"], row["latency_ms"]["p90"], row["stages_ms"].get("infer", {}).get("p50"),
    )  # fmt: skip
    said = f"{arm} answers in {words.milliseconds(median['value'])} (p50)" if median else f"{arm}: p50 not resolved"
    said += ", model alone" if row["what"] == "model" else ""
    said += f", {words.milliseconds(infer['value'])} of it the model" if median and infer else ""
    said += f"; 9 of 10 answers take at most {words.milliseconds(p90['value'])} (p90)" if p90 else ""
    comparison = words.comparison_of(document, arm, row["what"])
    if comparison and comparison["verdict"] in ("faster", "slower", "same"):
        link = {"faster": "than", "slower": "than", "same": "as"}[comparison["verdict"]]
        said += f"; {'as fast' if link == 'as' else words.outcome(comparison)} {link} {comparison['baseline']}"
    return f"{said}."


def warnings(document: Document) -> list[str]:
    """Return what a reader must know before using a number."""
    found = [f"Invalid: {problem}" for problem in document["problems"]]
    found += [
        f"{one['candidate']}, {one['scenario']}, {words.WHATS[one['what']]}: {one['reason']}"
        for one in document["comparisons"]
        if one["reason"] and not any(one["reason"] in problem for problem in document["problems"])
    ]
    if document["partial"]:
        found.append("Partial: the run was interrupted; this is what was measured by then.")
    return found


def disturbances(document: Document) -> list[str]:
    """Return what may have slowed the measurement down without making it invalid."""
    others = document["environment"]["conditions_after"].get("others_cpus") or 0.0
    if others < BUSY_CPUS or any(CROWDED in problem for problem in document["problems"]):
        return []
    cpus = document["environment"]["identity"]["cores_logical"]
    return [f"Other programs used {others:.1f} of {cpus} CPUs meanwhile; the latencies hold what that cost."]


def _date(created: str) -> str:
    """Return an ISO time in UTC without seconds."""
    return f"{created[:16].replace('T', ' ')} UTC"


def rate_note(row: Mapping[str, Any]) -> str:
    """Say where more calls came than could be answered; empty where they were answered."""
    rate = row["rate"]
    if rate is None or rate["reached"]:
        return ""
    came, answered = words.three(rate["offered"]), words.three(rate["answered"])
    grew = "the queue grew, so there is no latency to tell"
    return f"{row['arm']}: {came} calls a second came and {answered} were answered; {grew}"


def padding_note(row: Mapping[str, Any]) -> str:
    """Say which share of the tokens computed for a list of texts was padding; empty for other rows."""
    share = row.get("padding_share")
    return "" if share is None else f"{row['arm']}: {share:.1%} of the tokens computed for the list were padding"
