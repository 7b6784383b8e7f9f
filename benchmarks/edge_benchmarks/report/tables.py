"""The tables of a benchmark, one for each scenario and thing timed, before a form gives them a look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge_benchmarks.report import sentences, words
from edge_benchmarks.report.interface import Document
from edge_benchmarks.report.page import Tone

Row = Mapping[str, Any]
"""One of a document's `rows`."""

TITLES = {
    "single-stream": "One at a time",
    "offline": "Offline, in batches",
    "by-length": "By length of the text",
    "server": "Server, calls at random",
    "idle-gap": "After an idle gap",
    "busy-neighbor": "Beside busy programs",
}
"""A scenario in a reader's words."""


@dataclass(frozen=True)
class Line:
    """One row of a table."""

    row: Row
    comparison: Mapping[str, Any] | None
    """In which this row's arm is the candidate."""
    verdict: str
    tone: Tone

    @property
    def setting(self) -> str:
        """What the scenario was asked for: `batch=8`; empty where it has no setting."""
        return str(self.row["scenario"]).partition("/")[2]


@dataclass(frozen=True)
class ScenarioTable:
    """The rows of one scenario, of one of the two things timed, so that nobody confuses them."""

    scenario: str
    """Without its settings."""
    what: str
    lines: list[Line]

    @property
    def title(self) -> str:
        """What stands above it."""
        return f"{TITLES.get(self.scenario, self.scenario)}, {words.WHATS[self.what]}"

    @property
    def counts_rate(self) -> bool:
        """Whether it shows throughput and not latency."""
        return self.scenario == "offline"

    @property
    def compared(self) -> bool:
        """Whether arms were held against each other, so that there are ratios and verdicts to show."""
        return any(line.comparison for line in self.lines)

    @property
    def notes(self) -> list[str]:
        """What a reader must know of single rows."""
        told = (sentences.rate_note, sentences.padding_note)
        return [note for line in self.lines for tell in told if (note := tell(line.row))]


def scenario_tables(document: Document) -> list[ScenarioTable]:
    """Return the tables in the order in which the scenarios ran."""
    found: dict[tuple[str, str], list[Line]] = {}
    for row in document["rows"]:
        comparison = words.comparison_of(document, row["arm"], row["what"], row["scenario"])
        word, tone = words.verdict(document, row)
        key = (row["scenario"].partition("/")[0], row["what"])
        found.setdefault(key, []).append(Line(row, comparison, word, tone))
    return [ScenarioTable(scenario, what, lines) for (scenario, what), lines in found.items()]
