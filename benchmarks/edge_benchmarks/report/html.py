"""The report as one self-contained HTML page with plots."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edge_benchmarks.report import plots, words
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import (
    Block,
    Cell,
    Figure,
    Headline,
    Section,
    Table,
    Text,
    Tile,
    Tiles,
    Tone,
    render_page,
)
from edge_benchmarks.verdicts import Interval

CONFIDENCE = 0.95


def render(document: Document) -> str:
    """Return the page."""
    sections = [_glance(document)]
    if document["comparisons"]:
        sections.append(_comparison(document))
    sections += [_latency(document), _stages(document), _footprint(document), _environment(document), _reading()]
    return render_page(
        words.title(document),
        [section for section in sections if section.blocks],
        headline=_headline(document),
        subtitle=words.where(document),
        footer=_footer(document),
    )


def _headline(document: Document) -> Headline:
    """Say what is faster and whether that is proven; without a second variant, how long an answer takes."""
    first = document["variants"][0]
    pairs = [one for one in document["comparisons"] if one["what"] == "end-to-end"]
    if not document["valid"]:
        return Headline("Invalid", "The machine changed while it was measured.", "bad", document["problems"][0])
    if not pairs:
        median = words.percentile(first["latency_ms"], "p50")
        return Headline(median.text, "from image to answer, half of all calls take no longer", "plain", median.detail)
    best = next((one for one in pairs if one["candidate"] == first["arm"]), pairs[0])
    candidate, baseline, ratio = best["candidate"], best["baseline"], best["ratio"]
    bounds = f"95 % interval of the time ratio {words.ratio_text(ratio).detail}, {best['rounds']} rounds"
    alone = words.comparison_of(document, candidate, "model")
    tail = f" The model alone: {words.outcome(alone)}." if alone else ""
    text = f"{candidate} against {baseline}, from image to answer, one image at a time.{tail}"
    proven = f"proven: {words.speed_span(ratio)} with 95 % confidence, {best['rounds']} rounds"
    figures = {
        "faster": (words.speed(ratio), proven),
        "slower": (words.speed(ratio), proven),
        "same": ("Equally fast", f"proven: {bounds}"),
        "inconclusive": ("Not decided", f"the interval holds 1: {bounds}"),
        "invalid": ("Invalid", best["reason"]),
    }
    figure, proof = figures[best["verdict"]]
    return Headline(figure, text, words.tone(best), proof)


def _glance(document: Document) -> Section:
    first = document["variants"][0]
    tiles = [_tile(f"{name}, image to answer", words.percentile(first["latency_ms"], name)) for name in ("p50", "p90")]
    tiles += [
        _tile("p99, image to answer", words.percentile(first["latency_ms"], "p99")),
        _tile("p50, model alone", words.percentile(first["model_latency_ms"], "p50")),
        _tile("Throughput", words.throughput(first)),
        _tile("Cold start", words.cold_start(first)),
        _tile("Peak memory", words.size(first["peak_rss_bytes"])),
        _tile("Bundle", words.size(first["bundle_bytes"])),
    ]
    blocks: list[Block] = [Text(warning, "bad") for warning in words.warnings(document)]
    blocks += [Text(line, "unsure") for line in words.disturbances(document)]
    return Section(f"{first['arm']} at a glance", [*blocks, Tiles(tiles)])


def _comparison(document: Document) -> Section:
    figures: list[Block] = []
    for what, name in words.WHATS.items():
        rows: list[tuple[str, Interval, Tone]] = [
            (f"{one['candidate']} / {one['baseline']}", _interval(one["ratio"]), words.tone(one))
            for one in document["comparisons"]
            if one["what"] == what
        ]
        if rows:
            figures.append(Figure(plots.ratio_intervals(rows), f"Time over the baseline's time, {name}."))
    return Section("Which variant is faster?", [*figures, _table(document)])


def _table(document: Document) -> Table:
    rows: list[list[str | Cell]] = []
    for what, key in (("end-to-end", "latency_ms"), ("model", "model_latency_ms")):
        for result in document["variants"]:
            comparison = words.comparison_of(document, result["arm"], what)
            word, tone = words.verdict(document, result["arm"], what)
            percentiles = [_cell(words.percentile(result[key], name)) for name in ("p50", "p90", "p99")]
            ratio = _cell(words.ratio_text(comparison["ratio"]) if comparison else words.NOTHING)
            rows.append([Cell(result["arm"], words.WHATS[what]), *percentiles, ratio, Cell(word, tone=tone)])
    columns = ("variant", "p50", "p90", "p99", "time ratio", "verdict")
    return Table(columns, rows)


def _latency(document: Document) -> Section:
    blocks: list[Block] = []
    if "end_to_end" in document["samples_ns"]:
        series = _milliseconds(document["samples_ns"]["end_to_end"]["samples_ns"])
        if series:
            bounds = {one["arm"]: _percentiles(one["latency_ms"]) for one in document["variants"]}
            blocks.append(
                Figure(
                    plots.latency_ecdf(series, bounds),
                    "Share of calls, from image to answer, that took at most so long. Shaded: 95 % band. "
                    "Dots and bars: percentiles with their 95 % intervals, where known.",
                )
            )
            blocks.append(Figure(plots.latency_histogram(series), "How often each duration occurred; none left out."))
    if not document["comparisons"]:
        blocks.append(_table(document))
    return Section("Latency", blocks)


def _stages(document: Document) -> Section:
    rows = {
        one["arm"]: {stage: value["p50"]["value"] for stage, value in one["stages_ms"].items() if value["p50"]}
        for one in document["variants"]
    }
    rows = {arm: stages for arm, stages in rows.items() if stages}
    if not rows:
        return Section("Where the time goes", [])
    stages = list(next(iter(rows.values())))
    cells = [
        [one["arm"], *(_cell(words.percentile(one["stages_ms"].get(stage), "p50")) for stage in stages),
         f"{one['unaccounted_share']:.2%}"]
        for one in document["variants"] if one["arm"] in rows
    ]  # fmt: skip
    figure = Figure(plots.stage_bars(rows), "From image to answer, stage by stage. Only `infer` runs the model.")
    return Section("Where the time goes", [figure, Table(["variant", *stages, "unaccounted"], cells)])


def _footprint(document: Document) -> Section:
    """Set variants beside each other, since there are more facts than variants."""
    facts: dict[str, Callable[[Mapping[str, Any]], Cell]] = {
        "throughput, offline": lambda one: _cell(words.throughput(one)),
        "cold start, process to label": lambda one: _cell(words.cold_start(one)),
        "import": lambda one: _cell(words.cold_start(one, "import")),
        "load and verify": lambda one: _cell(words.cold_start(one, "load")),
        "first run": lambda one: _cell(words.cold_start(one, "first_run")),
        "peak memory": lambda one: _cell(words.size(one["peak_rss_bytes"])),
        "steady memory": lambda one: _cell(words.size(one["steady_rss_bytes"])),
        "variant file": lambda one: _cell(words.size(one["variant_bytes"])),
        "bundle": lambda one: _cell(words.size(one["bundle_bytes"])),
        "golden vectors": lambda one: Cell(f"{one['golden_cases']} passed", tone="good"),
    }
    rows: list[list[str | Cell]] = [
        [name, *(fact(one) for one in document["variants"])] for name, fact in facts.items()
    ]
    columns = ["fact", *(one["arm"] for one in document["variants"])]
    return Section("Cold start, memory and size", [Table(columns, rows)])


def _environment(document: Document) -> Section:
    rows: list[list[str | Cell]] = []
    for kind in ("identity", "conditions", "conditions_after", "versions"):
        for name, value in document["environment"].get(kind, {}).items():
            rows.append([Cell(name.replace("_", " "), kind.replace("_", " ")), _plain(value)])
    for result in document["variants"]:
        rows.append([Cell("content id", result["arm"]), result["content_id"]])
    rows += [[Cell(name.replace("_", " "), "setting"), _plain(value)] for name, value in document["settings"].items()]
    return Section("Environment and settings", [Table(["fact", "value"], rows)], folded=True)


def _reading() -> Section:
    lines = (
        "Every interval is nominally 95 % and makes no assumption about the distribution: its ends are two of the "
        "measured samples, chosen for the number of independent samples that the series is worth.",
        "A percentile is left out where the samples cannot bound it: p90 needs 29 independent ones, p99 needs 299.",
        "Variants are timed side by side in random balanced order. A ratio below 1 is faster, and proven where its "
        "whole interval lies below 1. No sample is dropped as an outlier.",
        "From image to answer means decode, preprocess, infer and postprocess of an image in memory. Model alone "
        "means tensor to logits, called back to back, which a device seldom does.",
    )
    return Section("How to read this", [Text(line) for line in lines], folded=True)


def _footer(document: Document) -> str:
    versions = document["environment"]["versions"]
    shown = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{shown}. Timer cost {document['samples_ns'].get('end_to_end', {}).get('timer_ns', 0):.0f} ns a sample."


def _tile(label: str, value: words.Value) -> Tile:
    return Tile(label, value.text, value.detail)


def _cell(value: words.Value) -> Cell:
    return Cell(value.text, value.detail)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items())
    return "not known" if value is None else str(value)


def _milliseconds(samples_ns: Mapping[str, list[int]]) -> dict[str, np.ndarray]:
    return {arm: np.asarray(values) / 1e6 for arm, values in samples_ns.items() if values}


def _percentiles(latency: Mapping[str, Any] | None) -> dict[str, Interval | None]:
    if latency is None:
        return {}
    return {name: _interval(latency[name]) if latency[name] else None for name in ("p50", "p90", "p99")}


def _interval(document: Mapping[str, float | None]) -> Interval:
    low, high = document["low"], document["high"]
    return Interval(
        document["value"] or 0.0, 0.0 if low is None else low, float("inf") if high is None else high, CONFIDENCE
    )
