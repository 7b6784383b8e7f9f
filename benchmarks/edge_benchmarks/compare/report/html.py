"""The comparison as one HTML page that needs no network."""

from __future__ import annotations

import json

from edge_benchmarks.compare.report import words
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import Cell, Headline, Section, Table, Text, render_page
from edge_benchmarks.report.words import Value


def render(document: Document) -> str:
    """Return the page: verdict, error rates, every benchmark, budgets, environment."""
    verdict = document["verdict"]
    headline = Headline(verdict, words.summary(document).partition(": ")[2], words.TONES[verdict])
    how = "measured side by side" if document["mode"] == "run" else "two stored reports"
    sections = [Section("Benchmarks", [_benchmarks(document)])]
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


def _cell(value: Value) -> Cell:
    return Cell(value.text, value.detail)


def _outcome(told: str) -> Cell:
    outcome, _, reason = told.partition(": ")
    return Cell(outcome, reason, words.TONES[outcome])
