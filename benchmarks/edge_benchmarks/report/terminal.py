"""The report as tables for a terminal."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from edge_benchmarks.report import words
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import SIGNS, Tone

_STYLES: dict[Tone, str] = {"good": "bold green", "bad": "bold red", "unsure": "bold yellow", "plain": ""}

_PLAIN_WIDTH = 120
"""Characters a line when the output is not a terminal."""


def render(document: Document) -> str:
    """Return the tables, with colors only where stdout is a terminal."""
    terminal = sys.stdout.isatty()
    console = Console(force_terminal=terminal, width=None if terminal else _PLAIN_WIDTH)
    with console.capture() as captured:
        console.print(_layout(document))
    return captured.get()


def _layout(document: Document) -> Group:
    parts: list[Any] = [Text(words.title(document), style="bold"), Text(words.where(document), style="dim")]
    parts += [Text(line, style=_STYLES["bad"]) for line in words.warnings(document)]
    parts += [Text(line, style=_STYLES["unsure"]) for line in words.disturbances(document)]
    parts += [_latencies(document), _footprint(document), _stages(document)]
    return Group(*parts)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", header_style="bold", expand=False)
    table.add_column(columns[0], overflow="fold")
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _latencies(document: Document) -> Table:
    """One line for each variant and each of the two things timed."""
    table = _table("Latency, 95 % intervals", "variant", "p50", "p90", "p99", "time ratio", "verdict")
    for what, key in (("end-to-end", "latency_ms"), ("model", "model_latency_ms")):
        for result in document["variants"]:
            latency = result[key]
            comparison = words.comparison_of(document, result["arm"], what)
            verdict, tone = words.verdict(document, result["arm"], what)
            table.add_row(
                f"{result['arm']}\n{words.WHATS[what]}",
                *(_two_lines(words.percentile(latency, name)) for name in ("p50", "p90", "p99")),
                _two_lines(words.ratio_text(comparison["ratio"]) if comparison else words.NOTHING),
                Text(f"{SIGNS[tone]} {verdict}".strip(), style=_STYLES[tone]),
            )
        table.add_section()
    return table


def _footprint(document: Document) -> Table:
    table = _table("Footprint", "variant", "throughput", "cold start", "peak memory", "variant", "bundle", "golden")
    for result in document["variants"]:
        table.add_row(
            result["arm"],
            _two_lines(words.throughput(result)),
            _two_lines(words.cold_start(result)),
            _two_lines(words.size(result["peak_rss_bytes"])),
            _two_lines(words.size(result["variant_bytes"])),
            _two_lines(words.size(result["bundle_bytes"])),
            f"{result['golden_cases']} passed",
        )
    return table


def _stages(document: Document) -> Table:
    stages = list(document["variants"][0]["stages_ms"])
    table = _table("Stages, median", "variant", *stages)
    for result in document["variants"]:
        medians = (words.percentile(result["stages_ms"].get(stage), "p50") for stage in stages)
        table.add_row(result["arm"], *(median.text for median in medians))
    return table


def _two_lines(value: words.Value) -> str:
    return f"{value.text}\n{value.detail}" if value.detail else value.text
