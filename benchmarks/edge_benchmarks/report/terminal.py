"""The report as tables for a terminal."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from edge_benchmarks.bench_report import PERCENTILES, SAMPLES_NEEDED
from edge_benchmarks.report import words
from edge_benchmarks.report.columns import whole_table
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import SIGNS, Tone

_STYLES: dict[Tone, str] = {"good": "bold green", "bad": "bold red", "unsure": "bold yellow", "plain": ""}
_BOUNDED = ("value", "low", "high")


def render(document: Document) -> str:
    """Return the tables, with colors only where stdout is a terminal."""
    console = Console(force_terminal=sys.stdout.isatty())
    with console.capture() as captured:
        console.print(_layout(document))
    return captured.get()


def _layout(document: Document) -> Group:
    parts: list[Any] = [Text(line, style=_STYLES["bad"]) for line in words.warnings(document)]
    parts += [
        Text(words.sentence(document), style="bold"),
        Text(f"{words.title(document)}, {words.where(document)}", "dim"),
    ]
    parts += [Text(line, style=_STYLES["unsure"]) for line in words.disturbances(document)]
    parts += [Text(), _latencies(document, "end-to-end", "latency_ms"), Text()]
    parts += [
        _latencies(document, "model", "model_latency_ms"),
        Text(),
        _footprint(document),
        Text(),
        _stages(document),
    ]
    return Group(*parts)


def _latencies(document: Document, what: str, key: str) -> Table:
    """One row for each variant, of one of the two things timed, so that nobody confuses them."""
    rows: list[list[str | Text]] = []
    for result in document["variants"]:
        comparison = words.comparison_of(document, result["arm"], what)
        verdict, tone = words.verdict(document, result["arm"], what)
        rows.append(
            [
                result["arm"],
                *(_percentile(result[key], name) for name in PERCENTILES),
                _ratio(comparison["ratio"]) if comparison else words.NOTHING.text,
                Text(f"{SIGNS[tone]} {verdict}".strip(), style=_STYLES[tone]),
            ]
        )
    title = f"{words.WHATS[what].capitalize()}: milliseconds, 95 % intervals"
    return whole_table(("variant", *PERCENTILES, "time ratio", "verdict"), rows, title=title)


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
            _two_lines(words.throughput(result)),
            _two_lines(words.cold_start(result)),
            *(_two_lines(words.size(result[key])) for key in ("peak_rss_bytes", "variant_bytes", "bundle_bytes")),
            f"{result['golden_cases']} right",
        ]
        for result in document["variants"]
    ]
    columns = ("variant", "throughput", "cold start", "peak\nmemory", "file", "bundle", "golden\nvectors")
    return whole_table(columns, rows, title="Footprint")


def _stages(document: Document) -> Table:
    stages = list(document["variants"][0]["stages_ms"])
    rows = [
        [result["arm"], *(words.percentile(result["stages_ms"].get(stage), "p50").text for stage in stages)]
        for result in document["variants"]
    ]
    return whole_table(("variant", *stages), rows, title="From image to answer, stage by stage: medians")


def _two_lines(value: words.Value) -> str:
    return f"{value.text}\n{value.detail}" if value.detail else value.text
