"""Decides which split each item is in: as the data says, and by class where it does not."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.data.layout import Item
from edge_pipeline.data.split import CARVED, SHARES, assign, connect


def partition(
    items: Sequence[Item], content: NDArray[np.int64], digests: NDArray[np.uint8], seed: int
) -> tuple[list[str], list[str]]:
    """Return the split of each item, and a warning for each thing that was decided here.

    Args:
        items: the readable items.
        content: `(n,)` numbers that are equal where the files' bytes are; such files stay together.
        digests: `(n, 32)` SHA-256 of each file.
        seed: decides the splits that are made here.

    Raises:
        InputError: too few items or groups to fill the splits.
    """
    given = {item.split for item in items} - {None}
    if given <= {"train"}:
        names = _assign(items, content, digests, SHARES, seed)
        return names, ["the data has a train split alone: val and test were carved from it"] if given else []
    splits = [item.split or "train" for item in items]
    warnings = []
    if "val" not in given:
        train = [row for row, split in enumerate(splits) if split == "train"]
        carved = _assign([items[row] for row in train], content[train], digests[train], CARVED, seed)
        for row, split in zip(train, carved, strict=True):
            splits[row] = split
        warnings.append(f"the data has no val split: {CARVED['val']:.0%} of train was carved off")
    if "test" not in given:
        warnings.append("the data has no test split: an export cannot be judged without one")
    return splits, warnings


def _assign(
    items: Sequence[Item], content: NDArray[np.int64], digests: NDArray[np.uint8], shares: dict[str, float], seed: int
) -> list[str]:
    units = content
    if any(item.group is not None for item in items):
        # An item without a group is a group of its own.
        names = {
            name: number
            for number, name in enumerate(dict.fromkeys(_group_key(row, item) for row, item in enumerate(items)))
        }
        groups = np.array([names[_group_key(row, item)] for row, item in enumerate(items)], np.int64)
        units = connect(content, groups)
    else:
        units = np.unique(content, return_inverse=True)[1].astype(np.int64)
    positions = assign(_strata(items), units, digests, shares, seed)
    order = list(shares)
    return [order[position] for position in positions]


def _group_key(row: int, item: Item) -> tuple[str, int]:
    return (item.group, -1) if item.group is not None else ("", row)


def _strata(items: Sequence[Item]) -> NDArray[np.int64]:
    """Return the class that each item is stratified by: of several labels the rarest, and a class for none."""
    counts = Counter(label for item in items for label in item.labels)
    rarest = [min(item.labels, key=lambda label: (counts[label], label), default="") for item in items]
    return np.unique(np.array(rarest, object).astype(str), return_inverse=True)[1].astype(np.int64)
