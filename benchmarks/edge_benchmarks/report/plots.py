"""Plots of latencies, ratios, stages and rates, as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from edge_benchmarks.report.page import Tone
from edge_benchmarks.report.svg import INK, SERIES, TONES, inline_figure
from edge_benchmarks.report.words import three
from edge_benchmarks.verdicts import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

MOST_SERIES = len(SERIES)
"""Arms that one plot tells apart by color."""

_MOST_STEPS = 400
"""Points drawn of a distribution's middle; its ends are drawn sample by sample."""

_WIDE_RANGE = 4.0
"""Largest over smallest from which on an axis of durations is logarithmic."""


def ratio_intervals(rows: Sequence[tuple[str, Interval, Tone]]) -> str:
    """Draw ratios with their intervals against 1: left of the line is faster, and proven where the bar misses it.

    Args:
        rows: Label, ratio (time over the baseline's time) and tone, from top to bottom.
    """

    def draw(axes: Axes) -> None:
        axes.axvline(1.0, color=INK, linewidth=1)
        for place, (label, ratio, tone) in enumerate(reversed(rows)):
            axes.plot(
                [ratio.low, _drawn_end(ratio)], [place, place], color=TONES[tone], linewidth=5, solid_capstyle="butt"
            )
            axes.plot([ratio.estimate], [place], "o", color=TONES[tone], markersize=6)
            axes.annotate(
                f"{label}: {ratio.estimate:.3g}x {_bounds(ratio)}",
                (0, place), xycoords=("axes fraction", "data"), xytext=(0, 8), textcoords="offset points", color=INK,
            ).set_in_layout(False)  # fmt: skip
        ends = [1.0] + [ratio.low for _, ratio, _ in rows] + [_drawn_end(ratio) for _, ratio, _ in rows]
        axes.set_xlim(max(0.0, min(ends) - 0.15), max(ends) + 0.15)
        axes.set_ylim(-0.5, len(rows) - 0.2)
        axes.set_yticks([])
        axes.set_xlabel("time / baseline's time: left of 1 is faster")
        axes.spines["left"].set_visible(False)

    return inline_figure(draw, 0.75 + 0.5 * len(rows))


def _bounds(ratio: Interval) -> str:
    return f"[{ratio.low:.3g}, {ratio.high:.3g}]" if np.isfinite(ratio.high) else "(no bounds)"


def _drawn_end(ratio: Interval) -> float:
    """Return the upper end of a ratio's bar, which may have none."""
    return min(ratio.high, max(3.0, 2 * ratio.estimate))


def latency_ecdf(series: Mapping[str, ArrayLike], percentiles: Mapping[str, Mapping[str, Interval | None]]) -> str:
    """Draw the share of calls that took at most so long, with a 95 % band and the bounded percentiles.

    The band is that of Dvoretzky, Kiefer and Wolfowitz with Massart's constant: half width `sqrt(ln(40) / 2n)`.

    Args:
        series: Name to durations in milliseconds; the first `MOST_SERIES` are drawn.
        percentiles: Name to percentile (`p50`, ...) to its interval; a percentile that is None is not drawn.
    """

    def draw(axes: Axes) -> None:
        for (name, values), color in zip(series.items(), SERIES, strict=False):
            ordered = np.sort(np.asarray(values, dtype=np.float64))
            share = np.arange(1, len(ordered) + 1) / len(ordered)
            shown = _thinned(len(ordered))
            band = np.sqrt(np.log(40.0) / (2 * len(ordered)))
            low, high = np.clip(share - band, 0, 1)[shown], np.clip(share + band, 0, 1)[shown]
            axes.fill_between(ordered[shown], low, high, step="post", color=color, alpha=0.15, linewidth=0)
            axes.step(ordered[shown], share[shown], where="post", color=color, linewidth=1.6, label=name)
            for percentile, interval in percentiles.get(name, {}).items():
                if interval is not None:
                    place = float(percentile[1:]) / 100
                    axes.plot([interval.low, interval.high], [place, place], color=color, linewidth=3.2)
                    axes.plot([interval.estimate], [place], "o", color=color, markersize=4.5)
        axes.set_ylim(0, 1.02)
        axes.set_yticks([0, 0.5, 0.9, 0.99], ["0", "p50", "p90", "p99"])
        _latency_axis(axes, series)
        axes.legend(loc="lower right", frameon=False, labelcolor=INK)

    return inline_figure(draw, 2.9)


def latency_histogram(series: Mapping[str, ArrayLike]) -> str:
    """Draw how often each duration occurred; the axis holds every sample, the slowest too."""

    from matplotlib.ticker import MaxNLocator

    def draw(axes: Axes) -> None:
        everything = np.concatenate([np.asarray(values, dtype=np.float64) for values in series.values()])
        low, high = float(everything.min()), float(everything.max())
        edges = np.geomspace(low, max(high, low * 1.01), 61) if high > _WIDE_RANGE * low else np.linspace(low, high, 61)
        for (name, values), color in zip(series.items(), SERIES, strict=False):
            axes.hist(values, bins=list(edges), color=color, alpha=0.55, label=name, linewidth=0)
        axes.set_ylabel("calls")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
        _latency_axis(axes, series)
        axes.legend(loc="upper right", frameon=False, labelcolor=INK)

    return inline_figure(draw, 2.9)


def stage_bars(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Draw where the time of one call goes: a bar for each variant, a part for each stage.

    Args:
        rows: Variant to stage to median milliseconds; every variant has the same stages in the same order.
    """

    def draw(axes: Axes) -> None:
        longest = max(sum(stages.values()) for stages in rows.values())
        for place, (name, stages) in enumerate(reversed(list(rows.items()))):
            left = 0.0
            for index, (stage, duration) in enumerate(stages.items()):
                label = stage if place == 0 else None
                # More stages than colors: the second time round they are lighter.
                color, alpha = SERIES[index % len(SERIES)], 1.0 if index < len(SERIES) else 0.5
                axes.barh(place, duration, left=left, color=color, alpha=alpha, height=0.42, label=label)
                left += duration
            text = f"{name}: medians add up to {left:.3g} ms"
            axes.annotate(text, (0, place), xytext=(0, 13), textcoords="offset points", color=INK)
        axes.set_xlim(0, longest * 1.02)
        axes.set_ylim(-0.5, len(rows) - 0.25)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("milliseconds, median of each stage")
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False, labelcolor=INK,
            handlelength=0.9, columnspacing=1.1, borderpad=0, handletextpad=0.5,
        )  # fmt: skip

    return inline_figure(draw, 1.0 + 0.62 * len(rows))


def latency_by_length(curves: Mapping[str, Sequence[tuple[int, Interval]]]) -> str:
    """Draw medians over lengths; the lengths double from one to the next, and so may the durations.

    Args:
        curves: Name to tokens and the median's milliseconds; the first `MOST_SERIES` are drawn.
    """
    from matplotlib.ticker import NullLocator

    def draw(axes: Axes) -> None:
        for (name, points), color in zip(curves.items(), SERIES, strict=False):
            tokens = [length for length, _ in points]
            axes.plot(tokens, [one.estimate for _, one in points], "o-", color=color, markersize=4.5, label=name)
            for length, one in points:
                axes.plot([length, length], [one.low, _drawn_end(one)], color=color, linewidth=3.2, alpha=0.5)
        lengths = sorted({length for points in curves.values() for length, _ in points})
        axes.set_xscale("log", base=2)
        axes.set_xticks(lengths, [f"{length}" for length in lengths])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("tokens of the text, at most")
        axes.set_ylabel("milliseconds, median")
        medians = [one.estimate for points in curves.values() for _, one in points]
        if max(medians) > _WIDE_RANGE * min(medians):
            axes.set_yscale("log")
            axes.set_ylabel("milliseconds, median (logarithmic)")
            _plain_ticks(axes.yaxis)
        axes.legend(loc="upper left", frameon=False, labelcolor=INK)

    return inline_figure(draw, 2.9)


def interval_dots(rows: Sequence[tuple[str, Interval]], label: str, shares: bool = False) -> str:
    """Draw estimates with their intervals, one under the other.

    Args:
        rows: Name and interval, from top to bottom.
        label: Of the axis, with its unit.
        shares: Values are shares, to be read as percentages.
    """

    def draw(axes: Axes) -> None:
        for place, (name, interval) in enumerate(reversed(rows)):
            axes.plot([interval.low, interval.high], [place, place], color=SERIES[0], linewidth=5, alpha=0.4)
            axes.plot([interval.estimate], [place], "o", color=SERIES[0], markersize=6)
            text = f"{name}: {interval.estimate:.1%}" if shares else f"{name}: {three(interval.estimate)}"
            where = ("axes fraction", "data")
            axes.annotate(
                text, (0, place), xycoords=where, xytext=(0, 8), textcoords="offset points", color=INK
            ).set_in_layout(False)
        axes.set_ylim(-0.5, len(rows) - 0.2)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(label)
        if shares:
            from matplotlib.ticker import PercentFormatter

            axes.xaxis.set_major_formatter(PercentFormatter(1.0))

    return inline_figure(draw, 0.75 + 0.5 * len(rows))


def _latency_axis(axes: Axes, series: Mapping[str, ArrayLike]) -> None:
    everything = np.concatenate([np.asarray(values, dtype=np.float64) for values in series.values()])
    axes.set_xlabel("milliseconds")
    if everything.max() > _WIDE_RANGE * everything.min():
        axes.set_xscale("log")
        axes.set_xlabel("milliseconds (logarithmic)")
        _plain_ticks(axes.xaxis)


def _plain_ticks(axis: Axis) -> None:
    """Mark a logarithmic axis at 1, 2 and 5 of each decade, without powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _thinned(n: int) -> slice | np.ndarray:
    """Return which order statistics to draw: all at the ends, an even choice between them."""
    if n <= 2 * _MOST_STEPS:
        return slice(None)
    ends = _MOST_STEPS // 4
    middle = np.linspace(ends, n - ends - 1, _MOST_STEPS).astype(int)
    return np.unique(np.concatenate([np.arange(ends), middle, np.arange(n - ends, n)]))
