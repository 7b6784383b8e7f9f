"""Decides which split each item is in: as the data says, and by class where it does not."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.data.layout import SPLITS, Item
from edge_pipeline.data.leaks import Likeness
from edge_pipeline.data.split import CARVED, SHARES, assign, connect

CHAIN_SHARE = 0.10
"""Look-alikes are kept together unless a chain of them holds more than this share of the items: a long recording of a
still camera would otherwise fill one split."""


def partition(
    items: Sequence[Item],
    content: NDArray[np.int64],
    digests: NDArray[np.uint8],
    likeness: Likeness,
    seed: int,
) -> tuple[list[str], tuple[str, ...], list[str]]:
    """Return the split of each item, the splits that the seed chose, and a line for each thing that was decided here.

    Args:
        items: the readable items.
        content: `(n,)` numbers that are equal where the files' bytes are; such files stay together.
        digests: `(n, 32)` SHA-256 of each file.
        likeness: tells which items are nearly the same; they stay together too.
        seed: decides the splits that are made here.

    Raises:
        InputError: too few items or groups to fill the splits.
    """
    given = {item.split for item in items} - {None}

    def deal(rows: Sequence[int], shares: Mapping[str, float]) -> list[str]:
        chosen = [items[row] for row in rows]
        units = _units(chosen, content[rows], likeness, np.array(rows, np.int64))
        positions = assign(_strata(chosen), units, digests[rows], shares, seed)
        return [list(shares)[position] for position in positions]

    if given <= {"train"}:
        splits = deal(range(len(items)), SHARES)
        return splits, SPLITS, ["the data has a train split alone: val and test were carved from it"] if given else []
    splits = [item.split or "train" for item in items]
    warnings = []
    chosen: tuple[str, ...] = ()
    if "val" not in given:
        train = [row for row, split in enumerate(splits) if split == "train"]
        for row, split in zip(train, deal(train, CARVED), strict=True):
            splits[row] = split
        chosen = ("train", "val")
        warnings.append(f"the data has no val split: {CARVED['val']:.0%} of train was carved off")
    if "test" not in given:
        warnings.append("the data has no test split: an export cannot be judged without one")
    return splits, chosen, warnings


def _units(
    items: Sequence[Item], content: NDArray[np.int64], likeness: Likeness, rows: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return `(n,)` numbers of what stays together: equal bytes, groups, and look-alikes where that is possible."""
    group_of = {name: number for number, name in enumerate(dict.fromkeys(item.group for item in items))}
    # An item without a group is a group of its own.
    groups = np.array(
        [row if item.group is None else len(items) + group_of[item.group] for row, item in enumerate(items)]
    )
    units = connect([content, groups])
    twins = likeness.near(rows, rows)
    if not twins:
        return units
    pairs = np.searchsorted(rows, np.array(list(twins.items()), np.int64))
    chained = connect([content, groups], pairs)
    largest = np.bincount(connect([content], pairs)).max()
    return chained if largest <= max(CHAIN_SHARE * len(items), 2) and chained.max() + 1 >= len(SPLITS) else units


def _strata(items: Sequence[Item]) -> NDArray[np.int64]:
    """Return the class that each item is stratified by: of several labels the rarest, and a class for none."""
    counts = Counter(label for item in items for label in item.labels)
    rarest = [min(item.labels, key=lambda label: (counts[label], label), default="") for item in items]
    return np.unique(np.array(rarest, object).astype(str), return_inverse=True)[1].astype(np.int64)
