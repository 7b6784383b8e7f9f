"""The comparison as a table for a terminal."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.text import Text

from edge_benchmarks.compare.report import words
from edge_benchmarks.report.columns import whole_table
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import SIGNS
from edge_benchmarks.report.words import Value

_STYLES = {"good": "green", "bad": "red", "unsure": "yellow", "plain": ""}


def render(document: Document) -> str:
    """Return error rates, verdict, one row a benchmark, and the budgets."""
    console = Console(force_terminal=sys.stdout.isatty())
    with console.capture() as captured:
        _print(console, document)
    return captured.get()


def _print(console: Console, document: Document) -> None:
    console.print(Text(words.title(document), style="bold"))
    for line in (*words.error_rates(document), *words.notes(document)):
        console.print(Text(line, style="dim"))
    tone = words.TONES[document["verdict"]]
    console.print(Text(f"{SIGNS[tone]} {words.summary(document)}".strip(), style=_STYLES[tone]))
    console.print()
    rows = [
        [
            Text(f"{words.printable(one['variant'])}\n{one['metric']}"),
            # Their own intervals are in the other forms: side by side the change is what counts.
            *(Text(words.value(one["metric"], one[side]).text) for side in ("base", "new")),
            _lines(words.change(one)),
            Text(one["outcome"], style=_STYLES[words.TONES[one["outcome"]]]),
        ]
        for one in words.rows(document)
    ]
    if rows:
        console.print(whole_table(("benchmark", "BASE", "NEW", "change", "verdict"), rows, names=(0,)))
    for reason, benchmarks in words.reasons(document).items():
        console.print(Text(words.printable(f"{', '.join(benchmarks)}: {reason}"), style="dim"))
    for about, bound, value, told in map(words.budget, document["budgets"]):
        style = _STYLES[words.TONES[told.partition(":")[0]]]
        console.print(Text(f"budget: {about} {bound}: {value}: {told}", style=style))


def _lines(value: Value) -> Text:
    return Text(f"{value.text}\n{value.detail}" if value.detail else value.text)
