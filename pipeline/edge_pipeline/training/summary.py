"""A finished training on a terminal: accuracy with its interval, and the table of classes."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType

    from edge_pipeline.training.session import TrainResult


def summary(result: "TrainResult") -> "RenderableType":
    """Return what the end of `edge train` prints."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    test = result.metrics.get("test")
    if test:
        parts += [Text(_headline(test)), Text(_second_line(result, test)), _classes(test["per_class"])]
    parts.append(Text(f"run: {result.run}, report: {result.run / 'report.html'}", no_wrap=True, overflow="ignore"))
    return Group(*parts)


def _headline(test: dict[str, Any]) -> str:
    import numpy as np

    if spans := test.get("span_f1"):
        low, high = 100 * spans["low"], 100 * spans["high"]
        return (
            f"test span F1 {100 * spans['estimate']:.2f} % (95 % interval {low:.2f} to {high:.2f}), all spans right in "
            f"{100 * test['top1']:.2f} % of {test['n']:,} texts"
        )
    # One table a class where an image may have several labels, and one for all where it has one.
    what = "all labels right" if np.ndim(test["confusion"]) == 3 else "top-1"
    low, high = (100 * bound for bound in test["interval"])
    return f"test {what} {100 * test['top1']:.2f} % (95 % interval {low:.2f} to {high:.2f}, n = {test['n']:,})"


def _second_line(result: "TrainResult", test: dict[str, Any]) -> str:
    return f"macro F1 {test['macro_f1']:.4f}, best epoch {result.best_epoch} of {result.metrics['epochs']}"


def _classes(rows: list[dict[str, Any]]) -> "RenderableType":
    from rich.table import Table

    table = Table("label", box=None, padding=(0, 2, 0, 0))
    for name in ("precision", "recall", "F1", "items"):
        table.add_column(name, justify="right")
    for row in rows:
        values = (f"{row[name]:.3f}" for name in ("precision", "recall", "f1"))
        table.add_row(row["label"], *values, f"{row['support']:,}")
    return table
