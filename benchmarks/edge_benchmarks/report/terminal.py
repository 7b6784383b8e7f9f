"""The report as tables for a terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from edge_benchmarks.bench.rows import PERCENTILES, SAMPLES_NEEDED
from edge_benchmarks.report import sentences, words
from edge_benchmarks.report.columns import whole_table
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import SIGNS, Tone
from edge_benchmarks.report.tables import Line, ScenarioTable, scenario_tables

_STYLES: dict[Tone, str] = {"good": "bold green", "bad": "bold red", "unsure": "bold yellow", "plain": ""}
_BOUNDED = ("value", "low", "high")


def render(document: Document) -> str:
    """Return the tables, with colors only where stdout is a terminal."""
    console = Console(force_terminal=sys.stdout.isatty())
    with console.capture() as captured:
        console.print(_layout(document))
    return captured.get()


def _layout(document: Document) -> Group:
    parts: list[Any] = [Text(line, style=_STYLES["bad"]) for line in sentences.warnings(document)]
    parts += [
        Text(sentences.sentence(document), style="bold"),
        Text(f"{sentences.title(document)}, {sentences.where(document)}", "dim"),
    ]
    parts += [Text(line, style=_STYLES["unsure"]) for line in sentences.disturbances(document)]
    for table in scenario_tables(document):
        unit = "inputs a second" if table.counts_rate else "milliseconds"
        parts += [Text(), Text(f"{table.title}: {unit}, 95 % intervals", "italic"), _scenario(table)]
        parts += [Text(note, style=_STYLES["unsure"]) for note in table.notes]
    parts += [Text(), _footprint(document)]
    if staged := [row for row in document["rows"] if row["stages_ms"] and row["scenario"] == "single-stream"]:
        parts += [Text(), _stages(staged)]
    return Group(*parts)


def _scenario(table: ScenarioTable) -> Table:
    """One row for each variant and setting."""
    values = ("throughput",) if table.counts_rate else tuple(PERCENTILES)
    rows: list[list[str | Text]] = []
    for line in table.lines:
        name = "\n".join(filter(None, (line.row["arm"], words.setting(line.row).replace(", ", "\n"))))
        cells = [_cell(line, value) for value in values]
        rows.append([name, *cells, *(_verdict(line) if table.compared else ())])
    return whole_table(("variant", *values, *(("time ratio", "verdict") if table.compared else ())), rows)


def _verdict(line: Line) -> tuple[str, Text]:
    ratio = _ratio(line.comparison["ratio"]) if line.comparison else words.NOTHING.text
    return ratio, Text(f"{SIGNS[line.tone]} {line.verdict}".strip(), style=_STYLES[line.tone])


def _cell(line: Line, value: str) -> str:
    if value in PERCENTILES:
        return _percentile(line.row["latency_ms"], value)
    rate = line.row["throughput"]
    if rate is None:
        return f"not resolved\nn {line.row['n']}"
    return "{}\n{}-{}".format(*(words.three(rate[key]) for key in _BOUNDED))


def _percentile(latency: Mapping[str, Any] | None, name: str) -> str:
    """Return a percentile over its bounds, or that it is not resolved over the samples it has and needs."""
    found = latency[name] if latency else None
    if latency and not found:
        return f"not resolved\nn {math.floor(latency['effective_n'][name])} of {SAMPLES_NEEDED[name]}"
    return words.NOTHING.text if not found else "{}\n{}-{}".format(*(words.three(found[key]) for key in _BOUNDED))


def _ratio(ratio: Mapping[str, float | None]) -> str:
    low, high = ratio["low"] or 0.0, ratio["high"]
    bounds = f"{words.three(low)}-{words.three(high)}" if high is not None else "no bounds"
    return f"{words.times(ratio['value'] or 1.0)}\n{bounds}"


def _footprint(document: Document) -> Table:
    rows = [
        [
            result["arm"],
            _two_lines(words.cold_start(result)),
            words.memory(result["peak_rss_bytes"]).text,
            *(words.size(result[key]).text for key in ("variant_bytes", "bundle_bytes")),
            _two_lines(words.accuracy(result)),
            words.check(result).replace(" right", "\nright"),
        ]
        for result in document["variants"]
    ]
    columns = ("variant", "cold start", "peak\nmemory", "file", "bundle", "accuracy", "checked")
    runtime = words.size(sum(document["runtime_bytes"].values())).text
    return whole_table(columns, rows, title=f"Footprint; the installed runtime takes {runtime}")


def _stages(staged: Sequence[Mapping[str, Any]]) -> Table:
    stages = list(staged[0]["stages_ms"])
    rows = [
        [row["arm"], *(words.percentile(row["stages_ms"].get(stage), "p50").text for stage in stages)] for row in staged
    ]
    return whole_table(("variant", *stages), rows, title="From input to answer, stage by stage: medians")


def _two_lines(value: words.Value) -> str:
    return f"{value.text}\n{value.detail}" if value.detail else value.text
