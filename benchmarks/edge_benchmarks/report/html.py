"""The report as one self-contained HTML page with plots."""

from __future__ import annotations

from typing import Any

from edge_benchmarks.report import sentences, words
from edge_benchmarks.report.footprint_section import footprint_section, pareto_section
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import Block, Cell, Headline, Section, Table, Text, Tile, Tiles, render_page
from edge_benchmarks.report.scenario_sections import comparison_section, scenario_sections, stages_section


def render(document: Document) -> str:
    """Return the page."""
    sections = [
        _glance(document),
        comparison_section(document),
        pareto_section(document),
        *scenario_sections(document),
        stages_section(document),
        footprint_section(document),
        _environment(document),
        _reading(),
    ]
    return render_page(
        sentences.title(document),
        [section for section in sections if section.blocks],
        headline=_headline(document),
        subtitle=sentences.where(document),
        footer=_footer(document),
    )


def _headline(document: Document) -> Headline:
    """Say what is faster and whether that is proven; without a second variant, how long an answer takes."""
    arm = document["variants"][0]["arm"]
    if not document["valid"]:
        return Headline("Invalid", "The machine changed while it was measured.", "bad", document["problems"][0])
    pairs = [one for one in document["comparisons"] if one["scenario"] == "single-stream"]
    pairs = [one for one in pairs if one["what"] == "end-to-end"] or pairs
    if not pairs:
        row = words.row_of(document, arm) or words.row_of(document, arm, "model")
        median = words.percentile(row["latency_ms"] if row else None, "p50")
        said = words.WHATS[row["what"]] if row else "not timed one at a time"
        return Headline(median.text, f"{said}, half of all calls take no longer", "plain", median.detail)
    best = next((one for one in pairs if one["candidate"] == arm), pairs[0])
    candidate, baseline, ratio = best["candidate"], best["baseline"], best["ratio"]
    bounds = f"95 % interval of the time ratio {words.ratio_text(ratio).detail}, {best['rounds']} rounds"
    alone = words.comparison_of(document, candidate, "model") if best["what"] == "end-to-end" else None
    tail = f" The model alone: {words.outcome(alone)}." if alone else ""
    text = f"{candidate} against {baseline}, {words.WHATS[best['what']]}, one input at a time.{tail}"
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
    whole, model = (words.row_of(document, first["arm"], what) for what in words.WHATS)
    tiles = [
        _tile(f"{name}, input to answer", words.percentile(whole["latency_ms"] if whole else None, name))
        for name in ("p50", "p90", "p99")
    ]
    tiles += [
        _tile("p50, model alone", words.percentile(model["latency_ms"] if model else None, "p50")),
        _tile("Throughput, model alone", words.throughput(words.row_of(document, first["arm"], "model", "offline"))),
        _tile("Cold start", words.cold_start(first)),
        _tile("Peak memory", words.memory(first["peak_rss_bytes"])),
        _tile("Bundle", words.size(first["bundle_bytes"])),
    ]
    if first["accuracy"]:
        tiles.append(_tile("Accuracy", words.accuracy(first)))
    blocks: list[Block] = [Text(warning, "bad") for warning in sentences.warnings(document)]
    blocks += [Text(line, "unsure") for line in sentences.disturbances(document)]
    return Section(f"{first['arm']} at a glance", [*blocks, Tiles(tiles)])


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
        "From input to answer means read, decode, preprocess, infer and postprocess, one after the other; for the "
        "server it begins when the call was due. Model alone means tensor to logits, called back to back, which a "
        "device seldom does.",
        "Answers were checked on this machine before anything was timed: a bundle's against its golden vectors, a "
        "plain ONNX file's against the same file without graph fusion, which does not say that the model is right.",
    )
    return Section("How to read this", [Text(line) for line in lines], folded=True)


def _footer(document: Document) -> str:
    versions = document["environment"]["versions"]
    shown = ", ".join(f"{name} {version}" for name, version in versions.items())
    costs = [phase["timer_ns"] for phase in document["phases"]]
    return f"{shown}." + (f" The timer itself costs {max(costs):.0f} ns a sample." if costs else "")


def _tile(label: str, value: words.Value) -> Tile:
    return Tile(label, value.text, value.detail)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items())
    return "not known" if value is None else str(value)
