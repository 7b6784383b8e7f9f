"""The search in the report: what was tried, what each part of the network costs, and what stayed in float."""

from collections.abc import Mapping, Sequence
from typing import Any

from edge_benchmarks.report.page import Cell, Figure, Section, Table, Text, Tone
from edge_benchmarks.report.pareto import ParetoPoint, pareto_plot

MOST_REASONS = 40
"""Operators in float that are listed one by one; a network that is mostly in float needs no longer list."""


def search_section(document: Mapping[str, Any]) -> Section:
    """Return the section; the trials stand in the order of the report, the chosen one first."""
    search = document["search"]
    blocks: list[Text | Table | Figure] = [Text(_summary(document))]
    blocks.append(_trials(search["trials"]))
    if any(trial["ratio"] for trial in search["trials"]):
        blocks.append(Figure(_pareto(document), "Accuracy on val against time; the area of a point is its size"))
    if search["costs"]:
        blocks.append(_costs(search))
    blocks += _floating(document)
    return Section("Search", blocks)


def _summary(document: Mapping[str, Any]) -> str:
    search = document["search"]
    known = search["errors"].items()
    ranges = ", ".join(f"{name} {'infinite' if error is None else f'{error:.3g}'}" for name, error in known)
    several = "s" * (len(search["trials"]) != 1)
    parts = [f"{len(search['trials'])} candidate{several} answered val in {search['seconds']:.0f} s."]
    if document["calibration"]:
        parts.append(f"{document['calibration'].capitalize()}.")
    if ranges:
        parts.append(f"Mean square error of the logits with everything in int8: {ranges}.")
    if search["stopped"]:
        parts.append("Time ran out before all was measured; give more with --search-time.")
    return " ".join(parts)


def _trials(trials: Sequence[Mapping[str, Any]]) -> Table:
    rows: list[list[str | Cell]] = []
    for index, trial in enumerate(trials):
        verdict, ratio = trial["verdict"], trial["ratio"]
        tone: Tone = "good" if index == 0 else "plain"
        name = trial["recipe"].get("name", trial["recipe"]["precision"])
        rows.append(
            [
                Cell(name, "judged on test" if index == 0 else "", tone),
                Cell(f"{ratio['estimate']:.3f}", f"{ratio['low']:.3f} to {ratio['high']:.3f}") if ratio else "unknown",
                f"{trial['size_bytes'] / 1e6:.2f}",
                f"{verdict['changed']} of {verdict['n']:,}",
                f"{100 * verdict['drop']:.2f}",
                Cell(f"{100 * trial['expected_bound']:.2f}", ", ".join(trial["refused_classes"])),
                f"{trial['logit_error']:.3f}",
            ]
        )
    columns = ["recipe", "time / fp32", "MB", "changed", "drop", "bound on test", "error of logits"]
    caption = (
        "What val said; the fastest recipe that looked provable was judged on test. The bound is what test would give, "
        "with the classes that it would refuse"
    )
    return Table(columns, rows, caption)


def _pareto(document: Mapping[str, Any]) -> str:
    baseline = document["rows"][0]
    first = document["search"]["trials"][0]["verdict"]
    points = [ParetoPoint("fp32", 1.0, first["baseline"]["estimate"], baseline["size_bytes"])]
    for index, trial in enumerate(document["search"]["trials"]):
        if trial["ratio"] is None:
            continue
        name = trial["recipe"].get("name", trial["recipe"]["precision"])
        accuracy = trial["verdict"]["candidate"]["estimate"]
        points.append(ParetoPoint(name, trial["ratio"]["estimate"], accuracy, trial["size_bytes"], chosen=index == 0))
    return pareto_plot(points, "time / fp32's time", "accuracy on val, %")


def _costs(search: Mapping[str, Any]) -> Table:
    total = sum(cost["error"] or 0 for cost in search["costs"]) or 1.0
    macs = sum(cost["macs"] for cost in search["costs"]) or 1
    rows: list[list[str | Cell]] = [
        [
            cost["name"],
            f"{cost['operators']}",
            f"{cost['macs'] / macs:.1%}",
            "unknown" if cost["error"] is None else f"{cost['error'] / total:.1%}",
            f"{cost['float_ms']:.3f}",
            f"{cost['int8_ms']:.3f}",
        ]
        for cost in search["costs"]
    ]
    columns = ["block, by its first operator", "operators", "share of MACs", "of the error", "fp32 ms", "int8 ms"]
    caption = "What int8 costs each block in accuracy, and what it gains in time; MACs are multiply-accumulates"
    return Table(columns, rows, caption)


def _floating(document: Mapping[str, Any]) -> list[Text | Table | Figure]:
    coverage = next((row["coverage"] for row in document["rows"] if row["coverage"]), None)
    if coverage is None:
        return []
    time = f" and {coverage['time_share']:.1%} of the time" if coverage["time_share"] is not None else ""
    blocks: list[Text | Table | Figure] = [
        Text(f"{coverage['macs_share']:.1%} of the multiply-accumulates{time} run in int8 kernels.")
    ]
    floating = coverage["floating"]
    if floating:
        rows: list[list[str | Cell]] = [[one["name"], one["kind"], one["reason"]] for one in floating[:MOST_REASONS]]
        more = f" (the first {MOST_REASONS} of {len(floating)})" if len(floating) > MOST_REASONS else ""
        blocks.append(Table(["operator", "type", "why it is in float"], rows, f"Operators in float{more}"))
    return blocks
