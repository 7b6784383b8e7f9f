"""The overview's plots: one number over time with its levels."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_benchmarks.report.svg import INK, SERIES, TONES, inline_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SCALES = {"ms": (1.0, "milliseconds"), "bytes": (1e-6, "MB"), "1/s": (1.0, "a second"), "share": (100.0, "%")}
"""Unit to the factor and the words of an axis."""


def over_time(series: Mapping[str, Any]) -> str:
    """Draw a series by the order of its results: each with its own interval, and a line for each level.

    Args:
        series: One of an overview's `history`.
    """
    scale, unit = _SCALES[series["unit"]]
    points, changes = series["points"], series["changes"]

    def draw(axes: Axes) -> None:
        places = np.arange(1, len(points) + 1)
        for place, point in zip(places, points, strict=True):
            if point["low"] is not None and point["high"] is not None:
                ends = [point["low"] * scale, point["high"] * scale]
                axes.plot([place, place], ends, color=SERIES[0], linewidth=3, alpha=0.35)
        axes.plot(places, [point["value"] * scale for point in points], "o", color=SERIES[0], markersize=4)
        edges = [0, *(change["index"] for change in changes), len(points)]
        for start, end in pairwise(edges):
            level = float(np.median([point["value"] for point in points[start:end]])) * scale
            axes.plot([start + 0.6, end + 0.4], [level, level], color=INK, linewidth=1.2)
        for change in changes:
            tone = TONES["bad" if change["worse"] else "good"]
            axes.axvline(change["index"] + 0.5, color=tone, linewidth=1.6, linestyle="--")
        axes.set_ylabel(unit)
        shown = np.unique(np.linspace(0, len(points) - 1, min(4, len(points))).astype(int))
        axes.set_xticks(places[shown], [points[at]["created"][:10] for at in shown])
        axes.margins(y=0.2)

    return inline_figure(draw, 2.1)
