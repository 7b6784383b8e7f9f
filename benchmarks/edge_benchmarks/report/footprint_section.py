"""The sections of the HTML page beside latency: cold start, memory, size, accuracy, and what was given up for what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edge_benchmarks.report import plots, words
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import Block, Cell, Figure, Section, Table
from edge_benchmarks.report.pareto import ParetoPoint, pareto_plot
from edge_benchmarks.report.scenario_sections import cell

COLD_START = {"import": "import", "verify": "verify", "session": "session", "first_run": "first run"}
"""Parts of a cold start, in a reader's words."""


def footprint_section(document: Document) -> Section:
    """Set variants beside each other, since there are more facts than variants."""
    facts: dict[str, Callable[[Mapping[str, Any]], Cell]] = {
        "cold start, process to answer": lambda one: cell(words.cold_start(one)),
        "cold start, p90": lambda one: cell(words.percentile((one["cold_start_ms"] or {}).get("total"), "p90")),
        **{f"of it {said}": _part(part) for part, said in COLD_START.items()},
        "peak memory": lambda one: cell(words.memory(one["peak_rss_bytes"])),
        "steady memory": lambda one: cell(words.memory(one["steady_rss_bytes"])),
        "model file": lambda one: cell(words.size(one["variant_bytes"])),
        "bundle": lambda one: cell(words.size(one["bundle_bytes"])),
        "accuracy": lambda one: cell(words.accuracy(one)),
        "operators": lambda one: Cell(words.operators(one)),
        "checked against": lambda one: Cell(
            one["check"], f"{one['golden_cases']} passed", "good" if one["check"] == "golden vectors" else "plain"
        ),
    }
    rows: list[list[str | Cell]] = [
        [name, *(fact(one) for one in document["variants"])] for name, fact in facts.items()
    ]
    table = Table(["fact", *(one["arm"] for one in document["variants"])], rows)
    return Section("Cold start, memory, size and accuracy", [*_starts(document), table, _runtime(document)])


def _part(part: str) -> Callable[[Mapping[str, Any]], Cell]:
    return lambda one: cell(words.cold_start(one, part))


def _starts(document: Document) -> list[Block]:
    """Draw where the time of a fresh process goes, for the variants whose medians are known."""
    drawn = {}
    for one in document["variants"]:
        starts = one["cold_start_ms"]
        if starts and all(found["p50"] for found in starts.values()):
            parts = {said: starts[part]["p50"]["value"] if part in starts else 0.0 for part, said in COLD_START.items()}
            rest = max(starts["total"]["p50"]["value"] - sum(parts.values()), 0.0)
            drawn[one["arm"]] = {"Python": rest, **parts}
    if not drawn:
        return []
    return [Figure(plots.stage_bars(drawn), "From the start of a process to its first answer: medians of its parts.")]


def _runtime(document: Document) -> Table:
    sizes = document["runtime_bytes"]
    rows = [[name, words.size(size).text] for name, size in sizes.items()]
    rows.append(["together", words.size(sum(sizes.values())).text])
    return Table(["installed runtime", "size"], rows)


def pareto_section(document: Document) -> Section:
    """Return accuracy against latency, with the size as the area of each point; empty without accuracy."""
    points = []
    for place, one in enumerate(document["variants"]):
        row = words.row_of(document, one["arm"])
        median = row["latency_ms"]["p50"] if row and row["latency_ms"] else None
        if one["accuracy"] and median:
            points.append(
                ParetoPoint(one["arm"], median["value"], one["accuracy"]["top1"], one["variant_bytes"], place == 0)
            )
    if not points:
        return Section("What is given up for what", [])
    said = "Further left is faster, higher is more often right; the area is the size of the model file."
    plot = pareto_plot(points, "milliseconds, from input to answer, median", "right answers, %")
    return Section("What is given up for what", [Figure(plot, said)])
