"""From items that were found to a data set: splits, checks, fingerprints; the same for images and texts."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.data import checks
from edge_pipeline.data.dataset import DataReport, Dataset, Skipped, Split, Target, TextSplit
from edge_pipeline.data.layout import SPLITS, Item
from edge_pipeline.data.leaks import Likeness
from edge_pipeline.data.partition import partition
from edge_pipeline.data.spans import tags_of

SplitParts = tuple[tuple[Target, ...], tuple[str, ...] | None, str]
"""Targets, groups and fingerprint of a split."""


@dataclass(frozen=True)
class Found:
    """Labelled items, each of them readable."""

    data: Path
    """Absolute path of the folder or file."""
    items: Sequence[Item]
    digests: NDArray[np.uint8]
    """`(n, 32)` SHA-256 of each."""
    content: NDArray[np.int64]
    """`(n,)` numbers that are equal where two items have the same content; such items stay together."""
    likeness: Likeness
    """Which of the items look, or say, nearly the same."""
    noun: str = "images"
    skipped: tuple[Skipped, ...] = ()
    ignored: dict[str, int] | None = None
    warnings: tuple[str, ...] = ()


def make_dataset(
    found: Found,
    hold: Callable[[NDArray[np.int64], SplitParts], Split | TextSplit],
    options: dict[str, Any],
) -> Dataset:
    """Split what has no splits, refuse what would deceive, and say what someone should look at.

    Args:
        found: The items.
        hold: Makes a split of its items' rows, and of their targets and groups and its fingerprint.
        options: Keyword arguments of `open_dataset` that give this data set again.

    Raises:
        InputError: as `open_dataset`.
    """
    data, items, content, noun = found.data, found.items, found.content, found.noun
    labels = tuple(sorted({label for item in items for label in item.labels}))
    checks.check_labels(data, labels)
    splits, chosen, decided = partition(items, content, found.digests, found.likeness, options["seed"])
    class_warnings = checks.check_classes(data, items, splits, labels, noun)
    leaks, leak_warnings = checks.check_leaks(data, items, splits, content, allow=options["allow_leaks"], noun=noun)
    conflicts, conflict_warnings = checks.find_conflicts(items, content, noun)
    near, near_warnings = checks.find_near_duplicates(items, splits, content, found.likeness, noun)
    rows_of = {name: np.flatnonzero(np.array(splits) == name) for name in SPLITS if name in splits}
    report = DataReport(
        counts={name: _count([items[int(row)] for row in rows], labels) for name, rows in rows_of.items()},
        skipped=found.skipped,
        ignored=found.ignored or {},
        duplicates=sum(len(rows) - len(np.unique(content[rows])) for rows in rows_of.values()),
        conflicts=conflicts,
        leaks=leaks,
        near_duplicates=near,
        warnings=(
            *(*found.warnings, *decided, *class_warnings),
            *(*leak_warnings, *conflict_warnings, *near_warnings),
        ),
    )
    multilabel = bool(options["multilabel"])
    made = {name: hold(rows, _parts(found, rows, labels, multilabel)) for name, rows in rows_of.items()}
    tagged = items[0].spans is not None
    if tagged:
        labels = tags_of(span for item in items for span in item.spans or ())
    return Dataset(data, labels, made, chosen, multilabel, options, report, noun, tagged)


def _count(items: Sequence[Item], labels: Sequence[str]) -> dict[str, int]:
    counted = Counter(label for item in items for label in item.labels)
    return {label: counted[label] for label in labels}


def _parts(found: Found, rows: NDArray[np.int64], labels: Sequence[str], multilabel: bool) -> SplitParts:
    items = [found.items[row] for row in rows]
    grouped = any(item.group is not None for item in items)
    groups = tuple(item.group or item.path for item in items) if grouped else None
    fingerprint = _fingerprint(items, found.digests[rows])
    if found.items[0].spans is not None:
        return tuple(item.spans or () for item in items), groups, fingerprint
    index = {label: number for number, label in enumerate(labels)}
    indices = [tuple(index[label] for label in item.labels) for item in items]
    targets: tuple[Target, ...] = tuple(indices) if multilabel else tuple(target for (target,) in indices)
    return targets, groups, fingerprint


def _said(item: Item) -> tuple[str, ...]:
    """Return what the data says of an item."""
    return item.labels if item.spans is None else tuple(f"{start} {end} {label}" for start, end, label in item.spans)


def _fingerprint(items: Sequence[Item], digests: NDArray[np.uint8]) -> str:
    """Hash the sorted pairs of content and labels; names are set off by NUL, which no label has."""
    entries = sorted(
        digest.tobytes() + "\0".join(_said(item)).encode("utf-8", "surrogateescape") + b"\0\0"
        for item, digest in zip(items, digests, strict=True)
    )
    return hashlib.sha256(b"".join(entries)).hexdigest()
