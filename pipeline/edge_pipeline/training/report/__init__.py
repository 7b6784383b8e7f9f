"""A training's report: one HTML file that needs nothing else, for a browser or an archive."""

from pathlib import Path
from typing import Any

from edge_benchmarks.accuracy import AccuracySummary
from edge_benchmarks.report.page import (
    Block,
    Figure,
    Headline,
    Section,
    Table,
    Text,
    Tile,
    Tiles,
    render_page,
)
from edge_export.report.gallery import gallery
from edge_export.run import Run
from edge_pipeline.training.evaluate import SCORES, score_name
from edge_pipeline.training.report.mistakes import Mistake
from edge_pipeline.training.report.plots import confusion_matrix, curves
from edge_runtime.preprocessing import TextPreprocessing
from edge_runtime.tasks import is_multilabel

__all__ = ["REPORT_FILE", "write_report"]

REPORT_FILE = "report.html"

MOST_PAIRS = 10
"""Lines of the table of confusions."""


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
    sections = [Section("At a glance", [_tiles(run, summary)]), _curves(run, history)]
    if summary is not None:
        sections += _confusions(summary, run.labels)
    if mistakes:
        text = "Wrong answers on test that the network was surest of. A wrong label in the data shows up here first."
        shown = gallery([(mistake.item, mistake.caption) for mistake in mistakes])
        sections.append(Section("Worst mistakes", [Text(text), shown]))
    if summary is not None:
        sections.append(_classes(summary))
    rows = [[name, str(value)] for name, value in run.config.items()]
    sections.append(Section("Configuration", [Table(["choice", "value"], rows)], folded=True))
    page = render_page(
        f"Training of {directory.resolve().name}",
        sections,
        headline=_headline(run, summary),
        subtitle=_subtitle(run),
        footer=f"SHA-256 of the weights: {run.weights_sha256}",
    )
    path = directory / REPORT_FILE
    path.write_text(page, encoding="utf-8")
    return path


def _subtitle(run: Run) -> str:
    source = run.weights_source
    named = f" ({source['name']}, license {source['licence']})" if source["name"] else ""
    contract = run.preprocessing
    if isinstance(contract, TextPreprocessing):
        size = f"at most {contract.max_length} tokens"
    else:
        size = f"{contract.crop_width} x {contract.crop_height} pixels"
    weights = f"initial weights: {source['kind']}{named}"
    return " · ".join((run.architecture, f"{len(run.labels):,} labels", size, weights))


def _score(run: Run) -> tuple[str, str, float]:
    """Return the score that chose the best epoch: its column, its name and its value on val."""
    column = score_name(run.metrics["val"])
    return column, SCORES[column], float(run.metrics["val"][column])


def _headline(run: Run, summary: AccuracySummary | None) -> Headline:
    if summary is None:
        _, name, value = _score(run)
        text = f"{name} on val, which chose the epoch."
        proof = "no test split: nothing is said about items that played no part in the training"
        return Headline(f"{value:.2%}", text, "unsure", proof)
    if (spans := summary.span_f1) is not None:
        text = f"span F1 on test, 95 % interval {spans.low:.2%} to {spans.high:.2%}, n = {summary.n:,} texts"
        return Headline(f"{spans.estimate:.2%}", text)
    what = "all labels right" if is_multilabel(run.task) else "top-1"
    low, high = summary.top1.low, summary.top1.high
    text = f"{what} on test, 95 % interval {low:.2%} to {high:.2%}, n = {summary.n:,}"
    return Headline(f"{summary.top1.estimate:.2%}", text)


def _tiles(run: Run, summary: AccuracySummary | None) -> Tiles:
    _, name, value = _score(run)
    tiles = [Tile("macro F1 on test", f"{summary.macro_f1:.4f}")] if summary is not None else []
    if summary is not None and summary.span_f1 is not None:
        tiles.append(Tile("texts with all spans right", f"{summary.top1.estimate:.2%}", "on test"))
    tiles += [
        Tile(f"{name} on val", f"{value:.2%}", "of the best epoch"),
        Tile("best epoch on val", f"{run.metrics['best_epoch']} of {run.metrics['epochs']}"),
        Tile("training", f"{run.metrics['seconds']:,.0f} s"),
    ]
    return Tiles(tiles)


def _curves(run: Run, history: list[dict[str, Any]]) -> Section:
    best = int(run.metrics["best_epoch"])
    column, name, _ = _score(run)
    losses = curves(history, {"train_loss": "train", "val_loss": "val"}, "loss", best)
    scores = curves(history, {f"val_{column}": name}, f"{name} on val", best, shares=True)
    kept = "dotted: the epoch whose weights were kept."
    return Section(
        "Learning curves",
        [
            Figure(losses, f"Loss on train and val, by epoch; {kept}"),
            Figure(scores, f"{name} on val, by epoch; {kept}"),
        ],
    )


def _classes(summary: AccuracySummary) -> Section:
    rows = [
        [row.label, f"{row.precision:.3f}", f"{row.recall:.3f}", f"{row.f1:.3f}", f"{row.support:,}"]
        for row in summary.per_class
    ]
    if summary.span_f1 is not None:
        caption = "A span is right when its kind and both its ends are."
        head = ["kind", "precision", "recall", "F1", "spans"]
        return Section("By kind of span", [Text(caption), Table(head, rows)])
    return Section("By class", [Table(["label", "precision", "recall", "F1", "items"], rows)])


def _confusions(summary: AccuracySummary, labels: tuple[str, ...]) -> list[Section]:
    """Show which classes are taken for which; several labels an image have no such matrix."""
    if summary.confusion.ndim != 2:
        return []
    blocks: list[Block] = []
    svg = confusion_matrix(summary.confusion, labels)
    if svg is not None:
        unit = "words with each tag" if summary.span_f1 is not None else "items of each class"
        caption = f"How {unit} were answered on test: the stronger the color, the larger the share."
        blocks.append(Figure(svg, caption))
    pairs = _confused_pairs(summary.confusion, labels)
    if pairs:
        rows = [[f"{truth}, answered {answer}", f"{count:,}"] for truth, answer, count in pairs]
        blocks.append(Table(["commonest confusions", "items"], rows))
    return [Section("Confusion matrix" if svg is not None else "Confusions", blocks)] if blocks else []


def _confused_pairs(matrix: Any, labels: tuple[str, ...]) -> list[tuple[str, str, int]]:
    """Return the commonest mistakes as (truth, answer, count)."""
    wrong = [
        (labels[row], labels[column], int(matrix[row, column]))
        for row, column in zip(*matrix.nonzero(), strict=True)
        if row != column
    ]
    return sorted(wrong, key=lambda pair: -pair[2])[:MOST_PAIRS]
