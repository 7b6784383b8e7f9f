"""A training's report: one HTML file that needs nothing else, for a browser or an archive."""

from pathlib import Path
from typing import Any

from edge_benchmarks.accuracy import AccuracySummary
from edge_export.run import Run
from edge_pipeline.training.report.gallery import Mistake
from edge_pipeline.training.report.plots import confusion_matrix, learning_curves

__all__ = ["REPORT_FILE", "write_report"]

REPORT_FILE = "report.html"


def write_report(
    directory: Path,
    run: Run,
    history: list[dict[str, Any]],
    summary: AccuracySummary | None,
    mistakes: list[Mistake],
) -> Path:
    """Write `report.html` into the run directory and return its path.

    Args:
        directory: The run directory.
        run: What is about to be written beside it.
        history: One row for each epoch.
        summary: Accuracy on test; None where the data has no such split.
        mistakes: The worst answers on test, worst first.
    """
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("edge_pipeline.training.report", "."), autoescape=True)
    matrix = summary.confusion if summary is not None and summary.confusion.ndim == 2 else None
    page = environment.get_template("page.html.jinja").render(
        name=directory.resolve().name,
        run=run,
        history=history,
        summary=summary,
        mistakes=mistakes,
        curves=learning_curves(history, int(run.metrics["best_epoch"])),
        confusion=confusion_matrix(matrix, run.labels) if matrix is not None else None,
        pairs=_confused_pairs(matrix, run.labels) if matrix is not None else [],
    )
    path = directory / REPORT_FILE
    path.write_text(page, encoding="utf-8")
    return path


def _confused_pairs(matrix: Any, labels: tuple[str, ...], most: int = 10) -> list[tuple[str, str, int]]:
    """Return the commonest mistakes as (truth, answer, count)."""
    wrong = [
        (labels[row], labels[column], int(matrix[row, column]))
        for row, column in zip(*matrix.nonzero(), strict=True)
        if row != column
    ]
    return sorted(wrong, key=lambda pair: -pair[2])[:most]
