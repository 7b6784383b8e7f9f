"""What one gives up for the other: accuracy against latency, with the size as the area of each point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_benchmarks.report.svg import INK, SERIES, inline_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class ParetoPoint:
    """One model."""

    name: str
    time: float
    """Milliseconds, or a ratio; less is better."""
    accuracy: float
    """As a share; more is better."""
    size: float
    """Bytes."""
    chosen: bool = False


def front(points: Sequence[ParetoPoint]) -> list[ParetoPoint]:
    """Return the points that no other one beats in time and accuracy at once, from the quickest on."""
    found: list[ParetoPoint] = []
    for point in sorted(points, key=lambda one: (one.time, -one.accuracy)):
        if not found or point.accuracy > found[-1].accuracy:
            found.append(point)
    return found


def pareto_plot(points: Sequence[ParetoPoint], time_label: str, accuracy_label: str) -> str:
    """Draw the points and the front; the chosen one is filled.

    Args:
        points: At least one.
        time_label: What the horizontal axis shows.
        accuracy_label: What the vertical axis shows; its values are drawn in percent.
    """
    largest = max(point.size for point in points)

    def draw(axes: Axes) -> None:
        best = front(points)
        axes.step(
            [one.time for one in best], [100 * one.accuracy for one in best], where="post", color=SERIES[0], linewidth=1
        )
        for point in points:
            area = 30 + 170 * point.size / largest
            face = SERIES[0] if point.chosen else "none"
            axes.scatter([point.time], [100 * point.accuracy], s=area, facecolors=face, edgecolors=SERIES[0])
            if point.chosen or point in best:
                axes.annotate(
                    point.name, (point.time, 100 * point.accuracy), xytext=(8, 5), textcoords="offset points", color=INK
                )
        axes.margins(x=0.18, y=0.18)
        axes.set_xlabel(time_label)
        axes.set_ylabel(accuracy_label)

    return inline_figure(draw, 2.9)
