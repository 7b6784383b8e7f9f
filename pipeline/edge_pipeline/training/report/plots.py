"""The two plots that only a training needs: its learning curves, and how each class was answered."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edge_benchmarks.report.svg import INK, SERIES, WIDTH, inline_figure

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

MAX_MATRIX = 40
"""More classes than this make an unreadable matrix; the list of commonest confusions stands for it."""
_MAX_LABEL = 16
"""Characters of a class name beside the matrix, so that the names leave it room."""
_PALEST, _DARKEST = 0.08, 0.55
"""Opacity of one image and of a whole row, through which the count can still be read in both color schemes."""
_LEGIBLE = 4.0
"""Points of the smallest count worth drawing."""


def curves(
    history: Sequence[dict[str, Any]], columns: dict[str, str], label: str, best_epoch: int, *, shares: bool = False
) -> str:
    """Plot columns of the history by epoch; a line marks the epoch whose weights were kept.

    Args:
        history: One row for each epoch.
        columns: Column to its name in the legend, which is left out where there is but one.
        label: Of the axis.
        best_epoch: Counted from 1.
        shares: Values are shares, to be read as percentages.
    """
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    def draw(axes: "Axes") -> None:
        epochs = [row["epoch"] for row in history]
        axes.axvline(best_epoch, color=INK, linewidth=0.8, linestyle=":")
        for (column, name), color in zip(columns.items(), SERIES, strict=False):
            axes.plot(epochs, [row[column] for row in history], "o-", color=color, markersize=3, label=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set(xlabel="epoch", ylabel=label)
        if shares:
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        if len(columns) > 1:
            axes.legend(frameon=False, labelcolor=INK)

    return inline_figure(draw, 2.6)


def confusion_matrix(matrix: "NDArray[np.int64]", labels: tuple[str, ...]) -> str | None:
    """Plot how each class (row) was answered (column), shaded by its share of the row; None for too many classes."""
    from matplotlib.patches import Rectangle

    count = len(labels)
    if count > MAX_MATRIX:
        return None
    shares = matrix / matrix.sum(axis=1, keepdims=True).clip(min=1)
    cell = 72 * 0.8 * WIDTH / count
    digits = min(8.5, 1.2 * cell / len(str(matrix.max())))

    def draw(axes: "Axes") -> None:
        for row, column in zip(*matrix.nonzero(), strict=True):
            # By the root, so that one mistake among many right answers is still seen.
            alpha = _PALEST + (_DARKEST - _PALEST) * shares[row, column] ** 0.5
            color = SERIES[0] if row == column else SERIES[1]
            axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=color, alpha=alpha, linewidth=0))
            if digits >= _LEGIBLE:
                text = str(matrix[row, column])
                axes.text(column, row, text, ha="center", va="center", color=INK, fontsize=digits)
        names = [_short(label) for label in labels]
        longest = max(map(len, names))
        size = min(8.5, 0.9 * cell)
        axes.set_xticks(range(count), names, rotation=90 if longest * size * 0.6 > cell else 0, fontsize=size)
        axes.set_yticks(range(count), names, fontsize=size)
        axes.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5), xlabel="answer", ylabel="truth", aspect="equal")
        axes.grid(visible=False)
        axes.spines[["top", "right"]].set_visible(True)

    return inline_figure(draw, WIDTH)


def _short(label: str) -> str:
    """Leave out the middle of a long name: such names often differ only at one end."""
    half = _MAX_LABEL // 2
    return label if len(label) <= _MAX_LABEL else f"{label[: half - 1]}…{label[-half:]}"
