"""The sections of the HTML page that show the scenarios: a table for each, and the plot that suits it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.report import plots, words
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import Block, Cell, Figure, Section, Table, Text, Tone
from edge_benchmarks.report.tables import ScenarioTable, scenario_tables
from edge_benchmarks.verdicts import Interval

CONFIDENCE = 0.95

PERCENTILES = ("p50", "p90", "p99")


def comparison_section(document: Document) -> Section:
    """Return the ratios of all scenarios, drawn against 1."""
    figures: list[Block] = []
    for what, name in words.WHATS.items():
        rows: list[tuple[str, Interval, Tone]] = [
            (_candidate(one), interval_of(one["ratio"]), words.tone(one))
            for one in document["comparisons"]
            if one["what"] == what
        ]
        if rows:
            baseline = document["comparisons"][0]["baseline"]
            figures.append(Figure(plots.ratio_intervals(rows), f"Time over that of {baseline}, {name}."))
    return Section("Which variant is faster?", figures)


def scenario_sections(document: Document) -> list[Section]:
    """Return a section for each scenario and thing timed."""
    return [_section(document, table) for table in scenario_tables(document)]


def _section(document: Document, table: ScenarioTable) -> Section:
    blocks: list[Block] = [*_figures(document, table), _table(table)]
    return Section(table.title, [*blocks, *(Text(note, "unsure") for note in table.notes)])


def _figures(document: Document, table: ScenarioTable) -> list[Block]:
    if table.scenario == "by-length":
        return _curves(table)
    if len(table.lines) > 1 and any(line.setting for line in table.lines) and table.scenario != "server":
        return _dots(table)
    if table.counts_rate:
        return []
    series = _series(document, table)
    if not series:
        return []
    bounds = {line.row["arm"]: percentiles_of(line.row["latency_ms"]) for line in table.lines}
    said = (
        f"Share of calls, {words.WHATS[table.what]}, that took at most so long. Shaded: 95 % band. "
        "Dots and bars: percentiles with their 95 % intervals, where known."
    )
    return [
        Figure(plots.latency_ecdf(series, bounds), said),
        Figure(plots.latency_histogram(series), "How often each duration occurred; none left out."),
    ]


def _curves(table: ScenarioTable) -> list[Block]:
    """Draw the median over the length of the text, a line for each arm."""
    curves: dict[str, list[tuple[int, Interval]]] = {}
    for line in table.lines:
        if (median := percentiles_of(line.row["latency_ms"]).get("p50")) is not None:
            curves.setdefault(line.row["arm"], []).append((words.tokens(line.row), median))
    if not curves:
        return []
    said = f"Median latency, {words.WHATS[table.what]}, by the most tokens of the texts. Bars: 95 % intervals."
    return [Figure(plots.latency_by_length(curves), said)]


def _dots(table: ScenarioTable) -> list[Block]:
    """Draw one number a row, where the same thing was measured with several settings."""
    key, label = ("throughput", "inputs a second") if table.counts_rate else ("p50", "milliseconds, median")
    rows = []
    for line in table.lines:
        found = line.row["throughput"] if table.counts_rate else (line.row["latency_ms"] or {}).get(key)
        if found:
            rows.append((f"{line.row['arm']}, {words.setting(line.row)}", interval_of(found)))
    if not rows:
        return []
    return [Figure(plots.interval_dots(rows, label), f"{table.title}: {label}, with 95 % intervals.")]


def _series(document: Document, table: ScenarioTable) -> dict[str, NDArray[np.float64]]:
    """Return the raw milliseconds of the arms whose latency is told."""
    told = {(line.row["arm"], line.row["scenario"]) for line in table.lines if line.row["latency_ms"]}
    found: dict[str, NDArray[np.float64]] = {}
    for phase in document["phases"]:
        if phase["what"] == table.what:
            for arm, values in phase["samples_ns"].items():
                if values and (arm, phase["scenario"]) in told:
                    found[arm] = np.asarray(values) / 1e6
    return found


def _table(table: ScenarioTable) -> Table:
    rows: list[list[str | Cell]] = []
    for line in table.lines:
        if table.counts_rate:
            values = [cell(words.throughput(line.row))]
        else:
            values = [cell(words.percentile(line.row["latency_ms"], name)) for name in PERCENTILES]
        name = Cell(line.row["arm"], words.setting(line.row))
        if table.compared:
            ratio = cell(words.ratio_text(line.comparison["ratio"]) if line.comparison else words.NOTHING)
            values += [ratio, Cell(line.verdict, tone=line.tone)]
        rows.append([name, *values])
    columns = ["throughput"] if table.counts_rate else PERCENTILES
    return Table(["variant", *columns, *(("time ratio", "verdict") if table.compared else ())], rows)


def stages_section(document: Document) -> Section:
    """Return where the time of one call goes, and where that of a fresh process does."""
    staged = [row for row in document["rows"] if row["stages_ms"] and row["scenario"] == "single-stream"]
    if not staged:
        return Section("Where the time goes", [])
    medians = {
        row["arm"]: {stage: one["p50"]["value"] for stage, one in row["stages_ms"].items() if one["p50"]}
        for row in staged
    }
    stages = list(staged[0]["stages_ms"])
    cells: list[list[str | Cell]] = [
        [row["arm"], *(cell(words.percentile(row["stages_ms"].get(stage), "p50")) for stage in stages),
         f"{row['unaccounted_share']:.2%}"]
        for row in staged
    ]  # fmt: skip
    drawn = {arm: found for arm, found in medians.items() if len(found) == len(stages)}
    said = "From input to answer, stage by stage. Only `infer` runs the model."
    figure = [Figure(plots.stage_bars(drawn), said)] if drawn else []
    return Section("Where the time goes", [*figure, Table(["variant", *stages, "unaccounted"], cells)])


def cell(value: words.Value) -> Cell:
    """Return a value as a cell with its bounds below it."""
    return Cell(value.text, value.detail)


def percentiles_of(latency: Mapping[str, Any] | None) -> dict[str, Interval | None]:
    """Return a document's percentiles as intervals."""
    if latency is None:
        return {}
    return {name: interval_of(latency[name]) if latency[name] else None for name in PERCENTILES}


def interval_of(document: Mapping[str, float | None]) -> Interval:
    """Return a document's number as an interval; a bound that is null is open."""
    low, high = document["low"], document["high"]
    return Interval(
        document["value"] or 0.0, 0.0 if low is None else low, float("inf") if high is None else high, CONFIDENCE
    )


def _candidate(one: Mapping[str, Any]) -> str:
    where = "" if one["scenario"] == "single-stream" else f"{one['scenario']}: "
    return f"{where}{one['candidate']}"
