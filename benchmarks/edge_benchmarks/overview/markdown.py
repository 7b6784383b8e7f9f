"""The overview as Markdown, for a job summary or a comment."""

from __future__ import annotations

from edge_benchmarks.overview import words
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import SIGNS


def render(document: Document) -> str:
    """Return the gate, the matrix, and what changed over time."""
    title, line = words.titles(document)
    names = words.bundles(document)
    lines = [f"### {_safe(title)}", "", f"**{_safe(words.summary(document))}** ({line})", ""]
    lines += [_row(["device", *names]), _row(["---"] * (len(names) + 1))]
    for device in words.devices(document):
        lines.append(_row([device, *(_cell(document, device, bundle) for bundle in names)]))
    if document["history"]:
        found = words.changed(document)
        lines += ["", f"{len(document['history'])} numbers over time, {len(found)} changed."]
        lines += [f"- {_safe(words.name(series))}: {words.change(series, series['changes'][-1])}" for series in found]
    return "\n".join(lines) + "\n"


def _cell(document: Document, device: str, bundle: str) -> str:
    cell = words.cell_of(document, device, bundle)
    word, latency = words.verdict(cell), words.latency(cell)
    sign = SIGNS[words.TONES[word]]
    return f"{sign} {word} {latency}".strip()


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(_safe(cell) for cell in cells) + " |"


def _safe(text: str) -> str:
    """Keep a name of a device or a bundle from being markup."""
    for mark in "\\|`*_<>[]":
        text = text.replace(mark, f"\\{mark}" if mark not in "<>" else {"<": "&lt;", ">": "&gt;"}[mark])
    return " ".join(text.split())
