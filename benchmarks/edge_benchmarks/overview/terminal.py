"""The overview as tables for a terminal."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text

from edge_benchmarks.overview import words
from edge_benchmarks.report.columns import whole_table
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import SIGNS

_STYLES = {"good": "green", "bad": "red", "unsure": "yellow", "plain": ""}


def render(document: Document) -> str:
    """Return the gate, the matrix, and what changed over time."""
    console = Console(force_terminal=sys.stdout.isatty())
    with console.capture() as captured:
        _print(console, document)
    return captured.get()


def _print(console: Console, document: Document) -> None:
    title, line = words.titles(document)
    console.print(Text(title, style="bold"))
    console.print(Text(line, style="dim"))
    tone = words.TONES[document["verdict"]]
    console.print(Text(f"{SIGNS[tone]} {words.summary(document)}".strip(), style=_STYLES[tone]))
    console.print()
    names = words.bundles(document)
    rows = [
        [Text(device), *(_cell(document, device, bundle) for bundle in names)] for device in words.devices(document)
    ]
    console.print(whole_table(("device", *names), rows, names=range(len(names) + 1)))
    if document["history"]:
        console.print()
        _print_history(console, document)


def _cell(document: Document, device: str, bundle: str) -> Text:
    cell = words.cell_of(document, device, bundle)
    word, latency = words.verdict(cell), words.latency(cell)
    lines = [Text(word, style=_STYLES[words.TONES[word]]), Text(latency.text), Text(latency.detail, style="dim")]
    return Text("\n").join(line for line in lines if line.plain)


def _print_history(console: Console, document: Document) -> None:
    found = words.changed(document)
    console.print(Text(f"{len(document['history'])} numbers over time, {len(found)} changed", style="bold"))
    for series in found:
        last = series["changes"][-1]
        style = _STYLES["bad" if last["worse"] else "good"]
        console.print(Text(f"{words.name(series)}: {words.change(series, last)}", style=style))
