"""The overview as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge_benchmarks.overview import words
from edge_benchmarks.overview.plots import over_time
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import Block, Cell, Figure, Headline, Section, Table, Text, render_page

MOST_FIGURES = 24
"""Series that are drawn: those that changed, then medians of latency; the table has all of them."""


def render(document: Document) -> str:
    """Return the page: the gate, the matrix, what changed, every series."""
    title, subtitle = words.titles(document)
    gate = Text("The newest result of each device; the worst cell decides the gate.")
    sections = [Section("The fleet", [gate, _matrix(document)]), _details(document)]
    if document["history"]:
        sections[1:1] = [_changes(document), _every_number(document)]
    tone = words.TONES[document["verdict"]]
    headline = Headline(document["verdict"].capitalize(), document["reason"], tone)
    return render_page(title, [*sections, _reading()], headline=headline, subtitle=subtitle)


def _matrix(document: Document) -> Table:
    names = words.bundles(document)
    rows: list[list[str | Cell]] = [
        [device, *(_cell(words.cell_of(document, device, bundle)) for bundle in names)]
        for device in words.devices(document)
    ]
    return Table(["device", *names], rows)


def _cell(cell: Mapping[str, Any] | None) -> Cell:
    word, latency = words.verdict(cell), words.latency(cell)
    detail = ", ".join(part for part in (latency.text, latency.detail) if part)
    return Cell(word, detail, words.TONES[word])


def _changes(document: Document) -> Section:
    found = words.changed(document)
    blocks: list[Block] = [Text(words.history_note(document["history"]))]
    blocks += [
        Text(
            f"{words.name(one)}: {words.change(one, one['changes'][-1])}",
            "bad" if one["changes"][-1]["worse"] else "good",
        )
        for one in found
    ]
    medians = [one for one in document["history"] if one["metric"].endswith("latency_p50") and one not in found]
    for one in [*found, *medians][:MOST_FIGURES]:
        caption = f"{words.name(one)}, {len(one['points'])} results. "
        caption += "Bars: each result's own interval. Lines: levels."
        blocks.append(Figure(over_time(one), caption))
    return Section("Over time", blocks)


def _every_number(document: Document) -> Section:
    rows: list[list[str | Cell]] = []
    for one in document["history"]:
        latest = words.latest(one)
        told = words.change(one, one["changes"][-1]) if one["changes"] else "no change"
        rows.append(
            [
                Cell(one["key"], f"{one['device']}, {one['how']}"),
                Cell(latest.text, latest.detail),
                str(len(one["points"])),
                told,
            ]
        )
    return Section("Every number over time", [Table(["number", "newest", "results", "change"], rows)], folded=True)


def _details(document: Document) -> Section:
    rows: list[list[str | Cell]] = [
        [
            Cell(one["bundle"], one["device"]),
            Cell("; ".join(one["over"]) or one["reason"]),
            Cell(one["created"][:16].replace("T", " "), one["source"]),
            one["content_id"],
        ]
        for one in document["fleet"]
    ]
    return Section("Why each verdict", [Table(["bundle", "reason", "measured", "content"], rows)], folded=True)


def _reading() -> Section:
    lines = (
        "Proven: the golden vectors gave the right answers there, and the variant that the bundle prefers is faster "
        "than its fp32 variant by a whole 95 % interval, or has none to beat.",
        "Slower or failed: do not ship it there as it is; `edge pack --evidence` lets the runtime choose the other "
        "variant. Inconclusive: measure longer. Invalid: the machine did not hold still; quiet it and measure again.",
    )
    return Section("How to read this", [Text(line) for line in lines], folded=True)
