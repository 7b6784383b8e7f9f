"""The overview in a reader's words, the same in every form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edge_benchmarks.compare.report.words import quantity, value
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import Tone
from edge_benchmarks.report.words import Value

TONES: dict[str, Tone] = {
    "proven": "good", "passed": "good", "failed": "bad", "slower": "bad", "over budget": "bad", "refused": "bad",
    "invalid": "bad", "inconclusive": "unsure", "not measured": "plain",
}  # fmt: skip

NOT_MEASURED = "not measured"


def devices(document: Document) -> list[str]:
    """Name every device once, in the document's order."""
    return list(dict.fromkeys(cell["device"] for cell in document["fleet"]))


def bundles(document: Document) -> list[str]:
    """Name every bundle once."""
    return list(dict.fromkeys(cell["bundle"] for cell in document["fleet"]))


def cell_of(document: Document, device: str, bundle: str) -> Mapping[str, Any] | None:
    """Return the cell of a device and a bundle, if that was measured."""
    return next((one for one in document["fleet"] if (one["device"], one["bundle"]) == (device, bundle)), None)


def verdict(cell: Mapping[str, Any] | None) -> str:
    """Return the word of a cell."""
    if cell is None:
        return NOT_MEASURED
    return "over budget" if cell["over"] else str(cell["verdict"])


def latency(cell: Mapping[str, Any] | None) -> Value:
    """Return the median latency of a cell's variant: of the whole path where it was measured, else the model alone.

    A run that is invalid has none: what was measured then is no number.
    """
    numbers = cell["numbers"] if cell and cell["verdict"] not in ("invalid", "failed") else {}
    for metric, what in (("latency_p50", "whole path"), ("model_latency_p50", "model alone")):
        if metric in numbers and cell is not None:
            found = value(metric, numbers[metric])
            return Value(found.text, f"{cell['variant']}, {what}")
    return Value("")


def summary(document: Document) -> str:
    """Say in one sentence how the fleet's gate ended, and where the worst cell is."""
    return f"{document['verdict']}: {document['reason']}"


def name(series: Mapping[str, Any]) -> str:
    """Name a series: the number, and where and how it was measured."""
    return f"{series['key']} on {series['device']}, {series['how']}"


def change(series: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Say one change of a series: from what to what, by how much, since when."""
    before, after = found["before"], found["after"]
    by = f"{after / before - 1:+.1%}" if before else "from zero"
    levels = f"{quantity(series['metric'], before)} to {quantity(series['metric'], after)}"
    return f"{'worse' if found['worse'] else 'better'} by {by} ({levels}) since {found['created'][:10]}"


def latest(series: Mapping[str, Any]) -> Value:
    """Return a series' newest number with its own interval."""
    return value(series["metric"], series["points"][-1] | {"n": 1})


def changed(document: Document) -> list[Mapping[str, Any]]:
    """Return the series that changed their level, what got worse last first."""
    found = [one for one in document["history"] if one["changes"]]
    return sorted(found, key=lambda one: (one["changes"][-1]["worse"], one["changes"][-1]["created"]), reverse=True)


def titles(document: Document) -> tuple[str, str]:
    """Return the page's title and the line under it."""
    names, results = devices(document), len(document["sources"])
    title = f"{', '.join(bundles(document))} on {len(names)} device{'s' * (len(names) != 1)}"
    return (
        title,
        f"{results} result{'s' * (results != 1)}, the newest of {document['created'][:16].replace('T', ' ')} UTC",
    )


def history_note(series: Sequence[Mapping[str, Any]]) -> str:
    """Say how far the history can be trusted."""
    longest = max((len(one["points"]) for one in series), default=0)
    few = " Fewer than 14 results of a number that is timed show no change, however large." if longest < 14 else ""
    return (
        "A change is a new level, not a single odd result: in 1 series of 500 that never changed one would be seen. "
        f"Numbers that are exact, such as sizes, need no test.{few}"
    )
