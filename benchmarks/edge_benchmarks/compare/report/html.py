"""The comparison as one HTML page that needs no network."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edge_benchmarks.compare.pairs import PERCENTILES
from edge_benchmarks.compare.report import words
from edge_benchmarks.measurements import METRICS
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import Cell, Figure, Headline, Section, Table, Text, render_page
from edge_benchmarks.report.plots import latency_ecdf, ratio_intervals
from edge_benchmarks.report.words import Value
from edge_benchmarks.statistics.percentiles import percentile_interval
from edge_benchmarks.statistics.proportions import CONFIDENCE
from edge_benchmarks.verdicts import Interval


def render(document: Document) -> str:
    """Return the page: verdict, error rates, every benchmark, budgets, environment."""
    verdict = document["verdict"]
    headline = Headline(verdict, words.summary(document).partition(": ")[2], words.TONES[verdict])
    how = "measured side by side" if document["mode"] == "run" else "two stored reports"
    sections = [Section("Benchmarks", [*_changes(document), _benchmarks(document)])]
    sections += [
        Section(f"Calls of {words.printable(variant)}", [_calls(pairs)])
        for variant, pairs in document["samples"].items()
    ]
    if notes := words.notes(document):
        sections.insert(0, Section("To know", [Text(line) for line in notes]))
    if document["budgets"]:
        rows: list[list[str | Cell]] = [
            [*told[:3], _outcome(told[3])] for told in map(words.budget, document["budgets"])
        ]
        sections.append(Section("Budgets", [Table(("budget", "bound", "NEW", "verdict"), rows)]))
    told = json.dumps(document["environment"], indent=1, ensure_ascii=False)
    sections.append(Section("Environment", [Text(told)], folded=True))
    return render_page(
        words.title(document), sections, headline=headline,
        subtitle="; ".join([how, document["created"], *words.error_rates(document)]),
        footer=" ".join(one for side in ("base", "new") for one in document[side]["content_ids"]),
    )  # fmt: skip


def _benchmarks(document: Document) -> Table:
    rows: list[list[str | Cell]] = [
        [
            words.name(one),
            *(_cell(words.value(one["metric"], one[side])) for side in ("base", "new")),
            _cell(words.change(one)),
            words.limit(one),
            _outcome(words.verdict(one)),
        ]
        for one in words.rows(document)
    ]
    caption = "Change is NEW against BASE with its 95 % interval; same means that the whole interval is in the margin."
    return Table(("benchmark", "BASE", "NEW", "change", "allowed", "verdict"), rows, caption)


def _changes(document: Document) -> list[Figure]:
    """Draw every change of a time or a memory that chance has a part in."""
    rows = []
    for one in words.rows(document):
        change = one["change"]
        if change is None or change["low"] == change["high"] or METRICS[one["metric"]].unit not in ("ms", "bytes"):
            continue
        low, high = change["low"] or 0.0, math.inf if change["high"] is None else change["high"]
        label = f"{words.printable(one['variant'])} {one['metric']}"
        rows.append((label, Interval(change["value"], low, high, CONFIDENCE), words.TONES[one["outcome"]]))
    if not rows:
        return []
    told = "Each bar is the 95 % interval of NEW over BASE: left of 1 is less, and sure where the bar misses the line."
    return [Figure(ratio_intervals(rows), told)]


def _calls(pairs: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw how long single calls of both took, from input to answer."""
    series = {
        side.upper(): np.concatenate([pair["end_to_end"]["samples_ns"][side] for pair in pairs]) / 1e6
        for side in ("base", "new")
    }
    known = {
        side: {name: percentile_interval(values, q) for name, q in PERCENTILES.items()}
        for side, values in series.items()
    }
    told = (
        "Share of calls that took at most so long, all processes together, with a 95 % band and the percentiles known."
    )
    return Figure(latency_ecdf(series, known), told)


def _cell(value: Value) -> Cell:
    return Cell(value.text, value.detail)


def _outcome(told: str) -> Cell:
    outcome, _, reason = told.partition(": ")
    return Cell(outcome, reason, words.TONES[outcome])
