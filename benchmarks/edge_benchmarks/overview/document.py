"""From stored results to the overview's JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edge_benchmarks.overview.fleet import make_fleet, worst
from edge_benchmarks.overview.history import make_history
from edge_benchmarks.overview.results import Result
from edge_runtime.errors import ExitCode

if TYPE_CHECKING:
    from edge_benchmarks.compare.budgets import Budget

OVERVIEW_SCHEMA = 1
"""Raised whenever a field changes its meaning or goes away; new fields do not raise it."""

WORDS = {
    ExitCode.OK: "passed",
    ExitCode.REFUSED: "refused",
    ExitCode.INCONCLUSIVE: "inconclusive",
    ExitCode.INVALID: "invalid",
}
"""The gate in a word."""


def make_overview(results: Sequence[Result], budgets: Sequence[Budget] = ()) -> dict[str, Any]:
    """Return the document; `docs/reference.md` describes its fields.

    Args:
        results: At least one.
        budgets: Bounds that must hold on every device.
    """
    cells = make_fleet(results, budgets)
    decides = worst(cells)
    code = decides.exit_code
    return {
        "schema": OVERVIEW_SCHEMA,
        "kind": "overview",
        "created": max(result.created for result in results),
        "sources": [result.source for result in results],
        "verdict": WORDS[code],
        "exit_code": int(code),
        "reason": _reason(decides.to_dict()) if code else _all_proven(len(cells)),
        "fleet": [cell.to_dict() for cell in cells],
        "history": [series.to_dict() for series in make_history(results)],
    }


def _all_proven(count: int) -> str:
    return (
        "proven on the one device that measured" if count == 1 else f"proven in all {count} pairs of bundle and device"
    )


def _reason(cell: dict[str, Any]) -> str:
    told = "; ".join(cell["over"]) or cell["reason"]
    return f"{cell['bundle']} on {cell['device']}: {told}"
