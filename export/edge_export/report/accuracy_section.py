"""Accuracy in the report: each variant's share of right answers, each class's loss, and how far to trust them."""

from collections.abc import Mapping
from typing import Any

from edge_benchmarks.accuracy import AGREEMENT, ALL_SPANS, NEIGHBOR
from edge_benchmarks.report.page import Cell, Figure, Section, Table, Text, Tone
from edge_benchmarks.report.plots import interval_dots
from edge_benchmarks.verdicts import Interval
from edge_runtime.tasks import is_multilabel

OPENINGS_TO_WARN = 5
"""A training, an export and a second thought look at test; more often than that, choices begin to follow it."""

MOST_CLASSES = 30
"""Of the table of classes, those that lose most first."""

CLASS_TONES: dict[str, Tone] = {"pass": "plain", "fail": "bad", "inconclusive": "unsure"}


def right_word(document: Mapping[str, Any]) -> str:
    """Name what is counted as right."""
    if document["measure"] == AGREEMENT:
        return "agreement with fp32"
    if document["measure"] in (ALL_SPANS, NEIGHBOR):
        return str(document["measure"])
    return "all labels right" if is_multilabel(document["task"]) else "top-1"


def accuracy_section(document: Mapping[str, Any], what: str) -> Section:
    """Return the section.

    Args:
        document: The report.
        what: What a share of right answers is called.
    """
    rows = [
        (row["variant"], Interval(row["top1"], row["top1_interval"][0], row["top1_interval"][1], 0.95))
        for row in document["rows"]
    ]
    openings = document["test_openings"]
    blocks: list[Figure | Text | Table] = [
        Figure(interval_dots(rows, what, shares=True), f"{what.capitalize()}, with 95 % intervals")
    ]
    if document["measure"] == AGREEMENT:
        blocks.append(Text("The items have no labels: the fp32 network's own answers stand for them.", "unsure"))
    if document["measure"] == ALL_SPANS:
        blocks += _spans(document)
    if document["source"] == "run":
        text = f"For this run, test has been looked at {openings} times, training's own report included."
    else:
        text = "Test was opened once for this export; how often it was before, nobody counted."
    tuned = " What was tuned on it looks better than it is." if openings > OPENINGS_TO_WARN else ""
    blocks.append(Text(text + tuned, "unsure" if tuned else "plain"))
    blocks += _classes(document)
    blocks += [Text(_unknown(name, unknown)) for name, unknown in document["unknown"].items()]
    return Section("Accuracy", blocks)


def _spans(document: Mapping[str, Any]) -> list[Figure | Text | Table]:
    """Return span F1 of each variant and kind, and by how much it fell."""
    columns = ["variant", "span F1, %", "95 % interval", *(one["label"] for one in document["rows"][0]["spans"])]
    rows: list[list[str | Cell]] = [
        [
            row["variant"],
            f"{100 * row['span_f1']['estimate']:.2f}",
            f"{100 * row['span_f1']['low']:.2f} to {100 * row['span_f1']['high']:.2f}",
            *(f"{100 * one['f1']:.2f}" for one in row["spans"]),
        ]
        for row in document["rows"]
    ]
    blocks: list[Figure | Text | Table] = [Table(columns, rows, "A span is right when its kind and both its ends are")]
    drop = (document["accuracy"] or {}).get("span_f1_drop")
    if drop:
        low, high = 100 * drop["low"], 100 * drop["high"]
        text = f"Span F1 falls by {100 * drop['estimate']:.2f} points (95 % interval {low:.2f} to {high:.2f})."
        blocks.append(Text(text))
    return blocks


def _classes(document: Mapping[str, Any]) -> list[Table]:
    """Return the table of classes that lost or won an answer, where there are any."""
    moved = [one for one in document["classes"] if one["worse"] or one["better"] or one["protected"]]
    if not moved:
        return []
    shown = sorted(moved, key=lambda one: (one["verdict"] == "pass", -one["drop"]))[:MOST_CLASSES]
    rows: list[list[str | Cell]] = [
        [
            Cell(one["label"], "protected" if one["protected"] else "", CLASS_TONES[one["verdict"]]),
            f"{one['n']:,}",
            f"{one['worse']}",
            f"{one['better']}",
            f"{100 * one['drop']:.1f}",
            f"{100 * one['drop_bound']:.1f}",
        ]
        for one in shown
    ]
    more = f" (the first {MOST_CLASSES} of {len(moved)})" if len(moved) > MOST_CLASSES else ""
    columns = ["class", "items", "lost", "won", "drop of recall, %", "at most, %"]
    return [Table(columns, rows, f"Classes whose answers changed, of {len(document['classes'])}{more}")]


def _unknown(name: str, unknown: Mapping[str, Any]) -> str:
    seen = unknown["test"]
    if not unknown["threshold"]:
        return f"{name} withholds no answer: on val, {unknown['precision']:.0%} of all answers or more were right."
    right = (
        f"{seen['precision']:.2%} of these answers are right" if seen["precision"] is not None else "it answers none"
    )
    return (
        f"{name} says unknown below a score of {unknown['threshold']:.3f}; on test it answers {seen['coverage']:.1%}, "
        f"and {right}."
    )
