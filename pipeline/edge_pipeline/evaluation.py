"""Accuracy of a bundle on a split of a data set, by the one accuracy and the runtime's own preprocessing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_benchmarks.accuracy import AccuracySummary
from edge_runtime.errors import InputError


@dataclass(frozen=True)
class Evaluation:
    """What a bundle got right."""

    content_id: str
    variant: str
    split: str
    summary: AccuracySummary
    unknown: dict[str, Any] | None
    """Coverage and precision of the bundle's threshold on this split; None where the bundle withholds nothing."""

    def to_dict(self) -> dict[str, Any]:
        """Return the document of `edge eval --json`."""
        head = {"content_id": self.content_id, "variant": self.variant, "split": self.split}
        return head | self.summary.to_dict() | {"unknown": self.unknown}


def evaluate(
    bundle: str | Path,
    data: str | Path,
    *,
    split: str = "test",
    variant: str | None = None,
    threads: int | None = None,
    note: Callable[[str], None] = lambda line: None,
    **options: Any,
) -> Evaluation:
    """Measure a bundle's accuracy.

    Args:
        bundle: A `.edge` file or bundle directory.
        data: A data set, as `train` takes it.
        split: Which of its splits.
        variant: Name of the variant; None takes the one that `load` takes.
        threads: Threads inside an operator; None leaves it to the runtime.
        note: Told what someone should know about the data, line by line.
        options: How to open the data, as `edge_pipeline.data.open_dataset` takes it.

    Raises:
        InputError: the data cannot be read, lack the split, or have other labels.
        BundleError: the bundle cannot be trusted.
    """
    from edge_benchmarks.accuracy import collect_answers, summarize
    from edge_export.unknown import measure_unknown
    from edge_pipeline.data import open_dataset
    from edge_runtime import load
    from edge_runtime.image import ImagePreprocessor

    model = load(bundle, threads=threads, variant=variant)
    multilabel = model.manifest.task == "image-multilabel"
    options["multilabel"] = multilabel
    dataset = open_dataset(Path(data), **options)
    for line in dataset.report.warnings:
        note(line)
    if split not in dataset.splits:
        raise InputError(f"{data}: no split {split!r}; it has {', '.join(dataset.splits)}")
    if tuple(dataset.labels) != model.labels:
        unlike = sorted(set(dataset.labels) ^ set(model.labels)) or ["the order"]
        raise InputError(
            f"{data}: its labels are not the bundle's ({', '.join(unlike[:5])}); give data with the same classes"
        )
    preprocess = ImagePreprocessor(model.manifest.preprocessing)
    name = model.variant.name
    answers = collect_answers({name: model.infer}, preprocess, dataset.splits[split], multilabel=multilabel)
    withheld = model.variant.unknown
    return Evaluation(
        model.content_id,
        name,
        split,
        summarize(answers.labels, answers.logits[name], model.labels),
        measure_unknown(answers.logits[name], answers.labels, withheld) if withheld else None,
    )
