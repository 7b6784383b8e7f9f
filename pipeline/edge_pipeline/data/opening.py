"""Opens a data set: finds the items, reads each once, splits what has no splits, and refuses what would deceive."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.data import checks
from edge_pipeline.data.csv_file import list_csv
from edge_pipeline.data.dataset import DataReport, Dataset, Skipped, Split, Target
from edge_pipeline.data.inspection import Progress, inspect
from edge_pipeline.data.layout import SPLITS, Item, Listing, list_folder
from edge_pipeline.data.leaks import same_content
from edge_pipeline.data.partition import partition
from edge_runtime.errors import InputError


def open_dataset(
    path: Path | str,
    *,
    group: str | None = None,
    allow_leaks: bool = False,
    seed: int = 0,
    multilabel: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Open labelled images and check them.

    `path` is a folder with splits (`train/CLASS/...`, also `val` and `test` by their usual names), a flat folder of
    classes, or a CSV file with the header `path,label[,split][,group]`. Data without splits is split 70/15/15 by class;
    a missing val split is carved from train. Each image is decoded once, by the code that will run on the device;
    later calls on unchanged files remember that.

    Args:
        path: folder or CSV file.
        group: regular expression, searched in each item's path (relative to the data, with `/`); its first group, or
            the whole match, names the recording, patient or machine that must stay in one split.
        allow_leaks: go on, with a warning, when the same bytes or the same group are in two splits.
        seed: decides the splits that are made here.
        multilabel: several labels an image, separated by `|` in the CSV's label column.
        progress: called with the images read and the images in all.

    Raises:
        InputError: there is no data, more than 1 % of the files are unreadable, there are fewer than two classes, a
            class is missing from train or has a name that no bundle can hold, or two splits share files or groups.
    """
    data = Path(path).absolute()
    listing = _grouped(_list(data, multilabel), group)
    inspection = inspect(listing.root, [item.path for item in listing.items], cache_key=data, progress=progress)
    skipped = tuple(Skipped(listing.items[row].path, reason) for row, reason in sorted(inspection.problems.items()))
    skip_warnings = checks.check_skipped(data, skipped, listing.items)
    rows = [row for row in range(len(listing.items)) if row not in inspection.problems]
    if not rows:
        raise InputError(f"{data}: no images; expected files such as .jpg and .png in a folder for each class")
    items = [listing.items[row] for row in rows]
    digests, thumbnails = inspection.sha256[rows], inspection.thumbnails[rows]
    content = same_content(digests)
    labels = tuple(sorted({label for item in items for label in item.labels}))
    checks.check_labels(data, labels)

    splits, chosen, decided = partition(items, content, digests, thumbnails, seed)
    class_warnings = checks.check_classes(data, items, splits, labels)
    leaks, leak_warnings = checks.check_leaks(data, items, splits, content, allow=allow_leaks)
    conflicts, conflict_warnings = checks.find_conflicts(items, content)
    near, near_warnings = checks.find_near_duplicates(items, splits, content, thumbnails)

    rows_of = {name: np.flatnonzero(np.array(splits) == name) for name in SPLITS if name in splits}
    report = DataReport(
        counts={name: _count([items[row] for row in rows], labels) for name, rows in rows_of.items()},
        skipped=skipped,
        ignored=listing.ignored,
        duplicates=sum(len(rows) - len(np.unique(content[rows])) for rows in rows_of.values()),
        conflicts=conflicts,
        leaks=leaks,
        near_duplicates=near,
        warnings=(
            *(*listing.warnings, *skip_warnings, *decided, *class_warnings),
            *(*leak_warnings, *conflict_warnings, *near_warnings),
        ),
    )
    made = {
        name: _split(listing.root, [items[row] for row in rows], digests[rows], labels, multilabel)
        for name, rows in rows_of.items()
    }
    options = {"group": group, "allow_leaks": allow_leaks, "seed": seed, "multilabel": multilabel}
    return Dataset(data, labels, made, chosen, multilabel, options, report)


def _list(data: Path, multilabel: bool) -> Listing:
    if data.is_dir():
        if multilabel:
            raise InputError(f"{data}: several labels an image need a CSV file path,label with labels separated by |")
        return list_folder(data)
    if not data.exists():
        raise InputError(f"{data} does not exist; give a folder of images or a CSV file")
    if data.suffix.lower() not in (".csv", ".tsv"):
        raise InputError(f"{data} is neither a folder nor a .csv file; give a folder of images or a CSV file")
    return list_csv(data, multilabel=multilabel)


def _grouped(listing: Listing, pattern: str | None) -> Listing:
    """Give each item the group that the pattern finds in its path."""
    if pattern is None:
        return listing
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise InputError(f"--group {pattern!r} is not a regular expression ({error})") from error
    items = []
    for item in listing.items:
        match = expression.search(item.path)
        name = match and (match[1] if expression.groups else match[0])
        if not name:
            raise InputError(f"--group {pattern!r} finds nothing in {item.path}; it must name a group in every path")
        items.append(replace(item, group=name))
    return replace(listing, items=tuple(items))


def _count(items: Sequence[Item], labels: Sequence[str]) -> dict[str, int]:
    found = Counter(label for item in items for label in item.labels)
    return {label: found[label] for label in labels}


def _split(
    root: Path, items: Sequence[Item], digests: NDArray[np.uint8], labels: Sequence[str], multilabel: bool
) -> Split:
    index = {label: number for number, label in enumerate(labels)}
    indices = [tuple(index[label] for label in item.labels) for item in items]
    targets: tuple[Target, ...] = tuple(indices) if multilabel else tuple(target for (target,) in indices)
    grouped = any(item.group is not None for item in items)
    return Split(
        root,
        tuple(item.path for item in items),
        targets,
        tuple(item.group or item.path for item in items) if grouped else None,
        _fingerprint(items, digests),
    )


def _fingerprint(items: Sequence[Item], digests: NDArray[np.uint8]) -> str:
    """Hash the sorted pairs of content and labels; names are set off by NUL, which no label has."""
    entries = sorted(
        digest.tobytes() + "\0".join(item.labels).encode("utf-8", "surrogateescape") + b"\0\0"
        for item, digest in zip(items, digests, strict=True)
    )
    return hashlib.sha256(b"".join(entries)).hexdigest()
