"""The fleet matrix: every bundle on every device, a verdict in each cell, and the worst one as the gate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from edge_benchmarks.measurements import Measurement
from edge_benchmarks.overview.results import Judged, Result
from edge_benchmarks.prove.proof import Verdict
from edge_runtime.errors import ExitCode

if TYPE_CHECKING:
    from edge_benchmarks.compare.budgets import Budget

__all__ = ["Cell", "make_fleet", "worst"]

_WORST_FIRST = (Verdict.FAILED, Verdict.SLOWER, Verdict.INVALID, Verdict.INCONCLUSIVE, Verdict.PROVEN)

SHOWN = ("latency_p50", "model_latency_p50", "peak_rss")
"""Numbers of a cell beside its verdict."""


@dataclass(frozen=True)
class Cell:
    """One bundle on one device, by its newest document."""

    device: str
    bundle: str
    judged: Judged
    created: str
    source: str
    numbers: tuple[Measurement, ...]
    """`SHOWN`, of the variant that the verdict is about."""
    over: tuple[str, ...] = ()
    """Budgets that it is surely over."""

    @property
    def exit_code(self) -> ExitCode:
        """What a gate on this cell alone ends with."""
        return ExitCode.REFUSED if self.over else self.judged.verdict.exit_code

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary."""
        plain = {name: getattr(self, name) for name in ("device", "bundle", "created", "source")}
        judged = asdict(self.judged) | {"verdict": self.judged.verdict.value}
        numbers = {one.metric: one.to_dict() for one in self.numbers}
        return plain | judged | {"over": list(self.over), "exit_code": int(self.exit_code), "numbers": numbers}


def make_fleet(results: Iterable[Result], budgets: Sequence[Budget] = ()) -> list[Cell]:
    """Return a cell for each pair of device and bundle that was measured, the devices in the order given.

    Args:
        results: Any number of each device; the newest counts.
        budgets: Bounds that must hold on every device.
    """
    newest: dict[tuple[str, str], Cell] = {}
    for result in sorted(results, key=lambda one: one.created):
        for cell in _cells(result):
            newest[cell.device, cell.bundle] = replace(cell, over=tuple(_over(cell, result, budgets)))
    return list(newest.values())


def worst(cells: Sequence[Cell]) -> Cell:
    """Return the cell that decides the gate."""
    return min(cells, key=lambda cell: (not cell.over, _WORST_FIRST.index(cell.judged.verdict)))


def _cells(result: Result) -> Iterator[Cell]:
    for bundle, judged in result.bundles.items():
        numbers = tuple(
            one
            for one in result.measurements
            if one.bundle == bundle and one.variant == judged.variant and one.metric in SHOWN
            and one.scenario in ("single-stream", "cold-start")
        )  # fmt: skip
        yield Cell(result.device, bundle, judged, result.created, result.source, numbers)


def _over(cell: Cell, result: Result, budgets: Sequence[Budget]) -> Iterator[str]:
    if not budgets:
        return
    from edge_benchmarks.compare.budgets import check

    measured = [one for one in result.measurements if one.bundle == cell.bundle]
    for checked in check(budgets, measured):
        if checked.over and checked.measurement is not None:
            yield f"{checked.measurement.variant} {checked.budget.metric} is over its budget"
