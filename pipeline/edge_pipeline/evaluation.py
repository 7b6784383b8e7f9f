"""Accuracy of a bundle on a split of a data set, by the one accuracy and the runtime's own preprocessing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_benchmarks.accuracy import TOP1, AccuracySummary
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from edge_pipeline.data import Dataset
    from edge_pipeline.data.dataset import Split, TextSplit
    from edge_runtime import Model
    from edge_runtime.manifest import Manifest


@dataclass(frozen=True)
class Evaluation:
    """What a bundle got right."""

    content_id: str
    variant: str
    split: str
    summary: AccuracySummary
    unknown: dict[str, Any] | None
    """Coverage and precision of the bundle's threshold on this split; None where the bundle withholds nothing."""
    measure: str = TOP1
    """What the share of right answers is called."""

    def to_dict(self) -> dict[str, Any]:
        """Return the document of `edge eval --json`."""
        head = {
            "content_id": self.content_id, "variant": self.variant, "split": self.split, "measure": self.measure,
        }  # fmt: skip
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
        InputError: the data cannot be read, lack the split, have other labels, or may hold training images in it.
        BundleError: the bundle cannot be trusted.
    """
    from edge_benchmarks.accuracy import ask_models, summarize
    from edge_export.unknown import measure_unknown
    from edge_runtime import load

    model = load(bundle, threads=threads, variant=variant)
    samples = open_split(model, data, split=split, note=note, **options)
    name = model.variant.name
    answers = ask_models({name: model}, samples)
    withheld = model.variant.unknown
    return Evaluation(
        model.content_id,
        name,
        split,
        summarize(answers.labels, answers.logits[name], model.labels or answers.numbers, samples.groups),
        measure_unknown(answers.logits[name], answers.labels, withheld) if withheld else None,
        answers.measure,
    )


def open_split(
    model: "Model", data: str | Path, *, split: str, note: Callable[[str], None] = lambda line: None, **options: Any
) -> "Split | TextSplit":
    """Return the labeled items of a split on which a bundle's model can be scored.

    Args:
        model: Whose labels the data must have.
        data: As in `evaluate`.
        split: As in `evaluate`.
        note: As in `evaluate`.
        options: As in `evaluate`.

    Raises:
        InputError: as in `evaluate`.
    """
    from edge_pipeline.data import open_dataset
    from edge_runtime.tasks import is_embedding, is_multilabel

    options["multilabel"] = is_multilabel(model.manifest.task)
    dataset = open_dataset(Path(data), **options)
    for line in dataset.report.warnings:
        note(line)
    wanted = model.manifest.preprocessing.kind
    if dataset.kind != wanted:
        raise InputError(f"{data}: holds {dataset.noun}, and the bundle answers {wanted}s; give data of its kind")
    if dataset.tagged != (model.manifest.task == "text-tokens"):
        has, answers = ("spans", "labels") if dataset.tagged else ("labels", "spans")
        raise InputError(f"{data}: has {has}, and the bundle answers {answers}; give data of its kind")
    if split not in dataset.splits:
        raise InputError(f"{data}: no split {split!r}; it has {', '.join(dataset.splits)}")
    if not is_embedding(model.manifest.task) and tuple(dataset.labels) != model.labels:
        unlike = sorted(set(dataset.labels) ^ set(model.labels)) or ["the order"]
        raise InputError(
            f"{data}: its labels are not the bundle's ({', '.join(unlike[:5])}); give data with the same classes"
        )
    _check_split(dataset, split, model.manifest, note)
    return dataset.splits[split]


def _check_split(dataset: "Dataset", split: str, manifest: "Manifest", note: Callable[[str], None]) -> None:
    """Say that the split is not the bundle's own; refuse it where another seed may have put training images into it."""
    recorded = _recorded_fingerprint(manifest.provenance, split)
    if recorded is None or recorded == dataset.splits[split].fingerprint:
        return
    what = f"this is not the {split} split that the bundle was judged on"
    if split in dataset.chosen_splits:
        raise InputError(
            f"{dataset.path}: {what}, and may hold items that it was trained on, since the data does not say which "
            f"are {split}; give --seed and --group of the training, or other data with a folder or column of splits"
        )
    note(what)


def _recorded_fingerprint(provenance: dict[str, Any], split: str) -> str | None:
    """Return what the bundle says of a split's items; None where it says nothing, as provenance has no fixed form."""
    value: Any = provenance
    for name in ("data", "fingerprints", split):
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None
