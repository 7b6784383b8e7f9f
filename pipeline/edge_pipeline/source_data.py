"""The data of a source that was trained elsewhere: a folder, a CSV or arrays, with labels or without."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from edge_export.config import ExportData
from edge_pipeline.data import Dataset, Split, TextSplit, open_dataset
from edge_pipeline.data.arrays import unpack_arrays
from edge_pipeline.data.layout import IMAGE_SUFFIXES, SPLIT_NAMES
from edge_pipeline.data.text_opening import is_text_data
from edge_pipeline.data.unlabeled import open_unlabeled
from edge_pipeline.data.unlabeled_texts import lacks_labels, open_unlabeled_texts
from edge_runtime.errors import InputError, SchemaError
from edge_runtime.manifest import check_label


@dataclass(frozen=True)
class DataOptions:
    """How the data is to be read."""

    labels: Path | None = None
    """Names in the order of the model's outputs: one a line, or a JSON list."""
    multilabel: bool = False
    text: str | None = None
    """Column of the texts."""
    label: str | None = None
    """Column of the texts' labels."""
    group: str | None = None
    allow_leaks: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Material:
    """What an export works with."""

    data: ExportData
    labels: tuple[str, ...]
    """In the order of the targets; empty where the data has class numbers or nothing."""
    multilabel: bool
    notes: tuple[str, ...]
    """What someone should look at, one line each."""


@contextmanager
def source_data(
    path: Path, options: DataOptions, known: tuple[str, ...] = (), *, embeds: bool = False
) -> Iterator[Material]:
    """Open the data; what had to be written out for it is there while the block runs.

    Args:
        path: Folder, CSV file or `.npz` file.
        options: How it is to be read.
        known: What the model itself calls its outputs; a labels file says otherwise.
        embeds: The model makes embeddings of texts, which need no labels.

    Raises:
        InputError: there is no data, it would deceive, or its labels are not among those of the labels file.
    """
    names = read_labels(options.labels) if options.labels else known
    if embeds and lacks_labels(path, options.label):
        yield _open_texts_alone(path, options)
        return
    if path.suffix.lower() != ".npz":
        labeled = not path.is_dir() or is_text_data(path, options.text) or _has_class_folders(path)
        yield _open_labeled(path, options, names) if labeled else _open_unlabeled(path, options, names)
        return
    with TemporaryDirectory(prefix="edge-arrays-") as folder:
        unpacked = unpack_arrays(path, Path(folder))
        names = names or unpacked.labels
        try:
            if unpacked.labeled:
                material = _open_labeled(unpacked.path, options, names, numbered=True)
            else:
                material = _open_unlabeled(unpacked.path, options, names)
        except InputError as error:
            raise InputError(str(error).replace(str(unpacked.path), str(path))) from error
        yield material


def read_labels(file: Path) -> tuple[str, ...]:
    """Read the names of a model's outputs, in their order.

    Raises:
        InputError: the file cannot be read, or has no names, one twice, or one that no bundle can hold.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        found = json.loads(text) if file.suffix.lower() == ".json" else text.splitlines()
        if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
            raise InputError(f"--labels {file}: a JSON list of names is expected, in the order of the outputs")
        names = tuple(name.strip() for name in found if name.strip())
        for number, name in enumerate(names, 1):
            check_label(name, f"label {number}")
    except (OSError, ValueError, SchemaError) as error:
        raise InputError(f"--labels {file}: {error}") from error
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or len(names) < 2:
        raise InputError(f"--labels {file}: {f'{twice[0]!r} stands twice' if twice else 'fewer than two names'}")
    return names


def _open_unlabeled(path: Path, options: DataOptions, names: tuple[str, ...]) -> Material:
    splits, notes = open_unlabeled(path, allow_leaks=options.allow_leaks, seed=options.seed)
    fingerprints = {name: split.fingerprint for name, split in splits.items()}
    return Material(ExportData(splits, fingerprints), names, options.multilabel, tuple(notes))


def _open_texts_alone(path: Path, options: DataOptions) -> Material:
    splits, notes = open_unlabeled_texts(
        path, text=options.text, group=options.group, allow_leaks=options.allow_leaks, seed=options.seed
    )
    fingerprints = {name: split.fingerprint for name, split in splits.items()}
    return Material(ExportData(splits, fingerprints), (), False, tuple(notes))


def _open_labeled(path: Path, options: DataOptions, names: tuple[str, ...], *, numbered: bool = False) -> Material:
    dataset = open_dataset(
        path,
        text=options.text,
        label=options.label,
        group=options.group,
        allow_leaks=options.allow_leaks,
        seed=options.seed,
        multilabel=options.multilabel,
    )
    labels, splits = _in_model_order(dataset, names, numbered=numbered)
    given = ExportData(splits, dataset.fingerprints, groups_of(dataset))
    return Material(given, labels, dataset.multilabel, dataset.report.warnings)


def groups_of(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """Return each split's groups, item by item, where the data has any."""
    return {name: split.groups for name, split in dataset.splits.items() if split.groups is not None}


def _has_class_folders(folder: Path) -> bool:
    """Tell whether the images lie in folders of classes: below the train folder where there is one, else here."""
    inner = [entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    train = next((entry for entry in inner if SPLIT_NAMES.get(entry.name.lower()) == "train"), None)
    if train is not None and len(inner) <= len(SPLIT_NAMES):
        return not _has_images(train)
    return bool(inner)


def _has_images(folder: Path) -> bool:
    return any(entry.suffix.lower() in IMAGE_SUFFIXES for entry in folder.iterdir() if entry.is_file())


def _in_model_order(
    dataset: Dataset, names: Sequence[str], *, numbered: bool
) -> tuple[tuple[str, ...], Mapping[str, Split | TextSplit]]:
    """Renumber the targets by the model's outputs: by name where names are given, else by number where they are one."""
    if names and not (numbered and _are_numbers(dataset.labels)):
        unknown = [label for label in dataset.labels if label not in names]
        if unknown:
            raise InputError(
                f"{dataset.path}: {len(unknown)} of its labels are none of the {len(names)} names of the model's "
                f"outputs ({', '.join(unknown[:5])}); name the classes alike, or say the names with --labels FILE"
            )
        places = {old: names.index(label) for old, label in enumerate(dataset.labels)}
    elif numbered and _are_numbers(dataset.labels):
        places = {old: int(label) for old, label in enumerate(dataset.labels)}
    else:
        return dataset.labels, dataset.splits

    if dataset.tagged:  # spans say their kinds by name
        return tuple(names), dataset.splits

    def moved(split: Split | TextSplit) -> Split | TextSplit:
        targets: Any = tuple(
            places[target] if isinstance(target, int) else tuple(sorted(places[one] for one in target))
            for target in cast("tuple[int | tuple[int, ...], ...]", split.targets)
        )
        return replace(split, targets=targets)

    return tuple(names), {name: moved(split) for name, split in dataset.splits.items()}


def _are_numbers(labels: Sequence[str]) -> bool:
    return all(label.isdecimal() for label in labels)
