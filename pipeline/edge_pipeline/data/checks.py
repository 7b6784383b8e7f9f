"""What is wrong with a data set: an error where it would deceive, a warning where it should be looked at."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.data.dataset import NearDuplicates, Skipped
from edge_pipeline.data.layout import SPLITS, Item
from edge_pipeline.data.leaks import Likeness, across_splits, conflicts
from edge_runtime.errors import InputError, SchemaError
from edge_runtime.manifest import check_label

UNREADABLE_SHARE = 0.01
"""More unreadable files than this share mean that something is wrong with the data; one file is always allowed."""
EXAMPLES = 10
"""Pairs or files that a message names; the report has all."""


def check_skipped(data: Path, skipped: Sequence[Skipped], items: Sequence[Item]) -> list[str]:
    """Refuse more than 1 % unreadable files, and warn of fewer, and of labels that went with them."""
    if not skipped:
        return []
    named = "; ".join(f"{entry.path} ({entry.reason})" for entry in skipped[:EXAMPLES])
    text = f"{len(skipped):,} of {len(items):,} images cannot be read: {_more(named, len(skipped))}"
    if len(skipped) > max(1, int(len(items) * UNREADABLE_SHARE)):
        raise InputError(f"{data}: {text}; repair or remove them (at most {UNREADABLE_SHARE:.0%} are skipped)")
    gone = {entry.path for entry in skipped}
    lost = {label for item in items for label in item.labels} - {
        label for item in items if item.path not in gone for label in item.labels
    }
    return [f"skipped: {text}", *(f"{label} has no readable image, so it is no class" for label in sorted(lost))]


def check_labels(data: Path, labels: Sequence[str]) -> None:
    """Refuse names of classes that no bundle can hold, before anyone has trained on them."""
    for label in labels:
        try:
            check_label(label)
        except SchemaError as error:
            raise InputError(f"{data}: {error}; rename the class") from error


def check_classes(
    data: Path, items: Sequence[Item], splits: Sequence[str], labels: Sequence[str], noun: str = "images"
) -> list[str]:
    """Refuse too few classes or kinds of spans, and classes without train items; warn of those val or test lack."""
    spans = items[0].spans is not None
    if len(labels) < 2 - spans:
        if spans:
            raise InputError(f"{data}: no text has a span, so there is nothing to learn; mark some")
        found = f"one class ({labels[0]})" if labels else f"no labelled {noun}"
        raise InputError(f"{data}: {found}; a classifier needs two classes or more")
    present: dict[str, set[str]] = {split: set() for split in SPLITS}
    for item, split in zip(items, splits, strict=True):
        present[split].update(item.labels)
    missing = [label for label in labels if label not in present["train"]]
    if missing:
        one = noun.removesuffix("s")
        raise InputError(f"{data}: no train {one} of {_some(missing)}; add some, or remove the class from val and test")
    warnings = []
    for split in SPLITS[1:]:
        absent = [label for label in labels if label not in present[split]]
        if absent and split in splits:
            warnings.append(
                f"{split} has no {noun.removesuffix('s')} of {_some(absent)}, so nothing can be said about it"
            )
    return warnings


def check_leaks(
    data: Path,
    items: Sequence[Item],
    splits: Sequence[str],
    content: NDArray[np.int64],
    *,
    allow: bool,
    noun: str = "images",
) -> tuple[tuple[tuple[str, str], ...], list[str]]:
    """Refuse the same content or the same group in two splits; where allowed, return the pairs and warn."""
    numbers = np.array([SPLITS.index(split) for split in splits], np.int64)
    pairs = [(items[a].path, items[b].path) for a, b in across_splits(content, numbers)]
    group_of: dict[str, set[str]] = {}
    for item, split in zip(items, splits, strict=True):
        if item.group is not None:
            group_of.setdefault(item.group, set()).add(split)
    torn = [
        f"{group} ({', '.join(sorted(found, key=SPLITS.index))})" for group, found in group_of.items() if len(found) > 1
    ]
    texts = []
    same = "bytes" if noun == "images" else "letters"
    if pairs:
        named = "; ".join(f"{one} = {other}" for one, other in pairs[:EXAMPLES])
        texts.append(f"{len(pairs):,} {noun} are in two splits with the same {same}: {_more(named, len(pairs))}")
    if torn:
        texts.append(f"{len(torn):,} groups are in two splits: {_more('; '.join(torn[:EXAMPLES]), len(torn))}")
    if texts and not allow:
        raise InputError(f"{data}: {' and '.join(texts)}. Keep each in one split, or go on with --allow-leaks")
    return tuple(pairs), [f"leak: {text}" for text in texts]


def find_conflicts(
    items: Sequence[Item], content: NDArray[np.int64], noun: str = "images"
) -> tuple[tuple[tuple[str, ...], ...], list[str]]:
    """Return the items whose content is equal and whose labels differ, and a warning."""
    found = tuple(
        tuple(items[row].path for row in rows) for rows in conflicts(content, [item.labels for item in items])
    )
    if not found:
        return found, []
    named = "; ".join(
        " = ".join(paths[:EXAMPLES]) + (f" and {len(paths) - EXAMPLES:,} more" if len(paths) > EXAMPLES else "")
        for paths in found[:EXAMPLES]
    )
    return found, [f"{len(found):,} {noun} have copies with different labels: {_more(named, len(found))}"]


def find_near_duplicates(
    items: Sequence[Item],
    splits: Sequence[str],
    content: NDArray[np.int64],
    likeness: Likeness,
    noun: str = "images",
) -> tuple[tuple[NearDuplicates, ...], list[str]]:
    """Return which items of val and test are nearly the same as one of a split before them, and a warning for each."""
    rows = {split: np.flatnonzero(np.array(splits) == split) for split in SPLITS}
    found = []
    for split, other in (("val", "train"), ("test", "train"), ("test", "val")):
        twins = likeness.near(rows[split], rows[other])
        pairs = [(a, b) for a, b in twins.items() if content[a] != content[b]]
        if pairs:
            examples = tuple((items[a].path, items[b].path) for a, b in pairs[:EXAMPLES])
            found.append(NearDuplicates(split, other, len(pairs), len(rows[split]), examples))
    return tuple(found), [_near_warning(entry, noun) for entry in found]


ALIKE = {
    "images": ("look the same", "frames of one recording, name it"),
    "texts": ("say nearly the same", "of one source or template, name it"),
}
"""What items that are nearly the same do, and what they may be."""


def _near_warning(entry: NearDuplicates, noun: str) -> str:
    (one, other), (do, be) = entry.examples[0], ALIKE[noun]
    return (
        f"{entry.count:,} of {entry.of:,} {entry.split} {noun} ({entry.count / entry.of:.1%}) {do} as one of "
        f"{entry.other}, such as {one} and {other}; if they are {be} with --group"
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:EXAMPLES]) + (f" and {len(names) - EXAMPLES:,} more" if len(names) > EXAMPLES else "")


def _more(named: str, count: int) -> str:
    return named + (f"; and {count - EXAMPLES:,} more" if count > EXAMPLES else "")
