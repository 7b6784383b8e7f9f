"""Series of one benchmark's numbers on one kind of machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from edge_benchmarks.measurements import METRICS, Measurement
from edge_benchmarks.overview.history.changes import ChangePoint, find_changes
from edge_benchmarks.overview.results import Result


@dataclass(frozen=True)
class Point:
    """One result."""

    created: str
    source: str
    content_id: str
    value: float
    low: float | None
    """Ends of its own 95 % interval, which does not hold what two runs differ by; None where there is none."""
    high: float | None


@dataclass(frozen=True)
class Series:
    """One number over time."""

    device: str
    how: str
    """The command that measured, and on how many threads: what took another way is another series."""
    key: str
    """As `Measurement.key`."""
    metric: str
    points: tuple[Point, ...]
    changes: tuple[ChangePoint, ...]

    def worse(self, change: ChangePoint) -> bool:
        """Whether the change was for the worse."""
        return (change.after > change.before) == METRICS[self.metric].lower_is_better

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary."""
        changes = [
            asdict(one) | {"created": self.points[one.index].created, "worse": self.worse(one)} for one in self.changes
        ]
        return {
            "device": self.device,
            "how": self.how,
            "key": self.key,
            "metric": self.metric,
            "unit": METRICS[self.metric].unit,
            "points": [asdict(point) for point in self.points],
            "changes": changes,
        }


def make_history(results: Iterable[Result]) -> list[Series]:
    """Return a series for each number that was measured at least twice on the same kind of machine.

    What is not resolved, and what came from an invalid or partial run, is left out.

    Args:
        results: In any order.
    """
    points: dict[tuple[str, str, str, str], list[tuple[Point, Measurement]]] = {}
    for result in sorted(results, key=lambda one: one.created):
        for measurement, point in _points(result) if result.usable else ():
            points.setdefault((result.machine, result.device, result.how, measurement.key), []).append(
                (point, measurement)
            )
    return [
        _series(device, how, [point for point, _ in found], found[0][1])
        for (_, device, how, _), found in points.items()
        if len(found) > 1
    ]


def _points(result: Result) -> Iterator[tuple[Measurement, Point]]:
    for one in result.measurements:
        if one.value is not None:
            judged = result.bundles.get(one.bundle)
            content_id = judged.content_id if judged else ""
            yield one, Point(result.created, result.source, content_id, one.value, one.low, one.high)


def _series(device: str, how: str, points: list[Point], measurement: Measurement) -> Series:
    values = [point.value for point in points]
    changes = find_changes(values) if METRICS[measurement.metric].timed else _steps(values)
    return Series(device, how, measurement.key, measurement.metric, tuple(points), tuple(changes))


def _steps(values: list[float]) -> list[ChangePoint]:
    """Return every step of a number that is exact: it needs no test."""
    return [
        ChangePoint(index, before, after, 0.0)
        for index, (before, after) in enumerate(pairwise(values), 1)
        if before != after
    ]
