"""Opens a data set: finds the items, reads each once, splits what has no splits, and refuses what would deceive."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.data import checks
from edge_pipeline.data.csv_file import list_csv
from edge_pipeline.data.dataset import Dataset, Skipped, Split
from edge_pipeline.data.inspection import Progress, inspect
from edge_pipeline.data.layout import Listing, list_folder
from edge_pipeline.data.leaks import same_content
from edge_pipeline.data.making import Found, SplitParts, make_dataset
from edge_pipeline.data.text_opening import is_text_data, open_texts
from edge_pipeline.data.twins import Thumbnails
from edge_runtime.errors import InputError


def open_dataset(
    path: Path | str,
    *,
    text: str | None = None,
    label: str | None = None,
    group: str | None = None,
    allow_leaks: bool = False,
    seed: int = 0,
    multilabel: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Open labelled images or texts and check them.

    For texts see `edge_pipeline.data.text_opening`. For images `path` is a folder with splits (`train/CLASS/...`, also
    `val` and `test` by their usual names), a flat folder of classes, or a CSV file with the header
    `path,label[,split][,group]`. Data without splits is split 70/15/15 by class; a missing val split is carved from
    train. Each image is decoded once, by the code that will run on the device;
    later calls on unchanged files remember that.

    Args:
        path: folder, CSV or JSON lines file.
        text: column of the texts; naming it says that these are texts.
        label: column of the texts' labels.
        group: of texts the column, of images a regular expression, searched in each item's path (relative to the data,
            with `/`); its first group, or the whole match, names the recording, patient or machine that must stay in
            one split.
        allow_leaks: go on, with a warning, when the same bytes or the same group are in two splits.
        seed: decides the splits that are made here.
        multilabel: several labels an image, separated by `|` in the CSV's label column.
        progress: called with the images read and the images in all.

    Raises:
        InputError: there is no data, more than 1 % of the files are unreadable, there are fewer than two classes, a
            class is missing from train or has a name that no bundle can hold, or two splits share files or groups.
    """
    data = Path(path).absolute()
    if is_text_data(data, text):
        return open_texts(
            data, text=text, label=label, group=group, allow_leaks=allow_leaks, seed=seed, multilabel=multilabel
        )
    if label is not None:
        raise InputError(f"--label {label}: {data} holds images, whose labels are their folders or the column label")
    listing = _grouped(_list(data, multilabel), group)
    inspection = inspect(listing.root, [item.path for item in listing.items], cache_key=data, progress=progress)
    skipped = tuple(Skipped(listing.items[row].path, reason) for row, reason in sorted(inspection.problems.items()))
    skip_warnings = checks.check_skipped(data, skipped, listing.items)
    rows = [row for row in range(len(listing.items)) if row not in inspection.problems]
    if not rows:
        raise InputError(f"{data}: no images; expected files such as .jpg and .png in a folder for each class")
    found = Found(
        data,
        [listing.items[row] for row in rows],
        inspection.sha256[rows],
        same_content(inspection.sha256[rows]),
        Thumbnails(inspection.thumbnails[rows]),
        skipped=skipped,
        ignored=listing.ignored,
        warnings=(*listing.warnings, *skip_warnings),
    )
    options = {"group": group, "allow_leaks": allow_leaks, "seed": seed, "multilabel": multilabel}

    def split(rows: NDArray[np.int64], parts: SplitParts) -> Split:
        return Split(listing.root, tuple(found.items[row].path for row in rows), *parts)

    return make_dataset(found, split, options)


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
