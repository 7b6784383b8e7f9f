"""The report's plots, as SVG in data addresses, so that the page is one file and their names cannot clash."""

import base64
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

MAX_MATRIX = 40
"""More classes than this make an unreadable matrix; the list of commonest confusions stands for it."""
_STYLE: Any = {"svg.hashsalt": "edge", "font.size": 9}
"""matplotlib settings; the salt makes the same plot the same bytes."""


def learning_curves(history: list[dict[str, Any]], best_epoch: int) -> str:
    """Plot both losses and the validation score by epoch; a line marks the epoch whose weights were kept."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    epochs = [row["epoch"] for row in history]
    name = next(key for key in ("val_top1", "val_macro_f1") if key in history[0])
    with rc_context(_STYLE):
        figure = Figure(figsize=(8, 2.8), layout="constrained")
        losses, score = figure.subplots(1, 2)
        losses.plot(epochs, [row["train_loss"] for row in history], "o-", markersize=3, label="train")
        losses.plot(epochs, [row["val_loss"] for row in history], "o-", markersize=3, label="val")
        losses.set(xlabel="epoch", ylabel="loss")
        losses.legend(frameon=False)
        score.plot(epochs, [100 * row[name] for row in history], "o-", markersize=3, color="tab:green")
        score.set(xlabel="epoch", ylabel=f"{name.removeprefix('val_').replace('_', ' ')} on val, %")
        for axes in (losses, score):
            axes.axvline(best_epoch, color="gray", linewidth=0.8, linestyle=":")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.spines[["top", "right"]].set_visible(False)
        return _address(figure)


def confusion_matrix(matrix: "NDArray[np.int64]", labels: tuple[str, ...]) -> str | None:
    """Plot how each class (row) was answered (column), colored by the share of the row; None for too many classes."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    count = len(labels)
    if count > MAX_MATRIX:
        return None
    shares = matrix / matrix.sum(axis=1, keepdims=True).clip(min=1)
    side = 2 + 0.38 * count
    with rc_context(_STYLE):
        figure = Figure(figsize=(side, side), layout="constrained")
        axes = figure.subplots()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.set_xticks(range(count), labels, rotation=90)
        axes.set_yticks(range(count), labels)
        axes.set(xlabel="answer", ylabel="truth")
        for row, column in zip(*matrix.nonzero(), strict=True):
            color = "white" if shares[row, column] > 0.5 else "black"
            text = str(matrix[row, column])
            axes.text(column, row, text, ha="center", va="center", color=color, fontsize=8)
        return _address(figure)


def _address(figure: "Figure") -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
