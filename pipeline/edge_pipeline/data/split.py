"""Splits items by class in seeded, fixed shares, and never parts what belongs together."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import InputError

SHARES = {"train": 0.70, "val": 0.15, "test": 0.15}
"""For data that comes without splits."""
CARVED = {"train": 0.85, "val": 0.15}
"""For data that comes with a train split and no val split."""


def assign(
    classes: NDArray[np.int64],
    units: NDArray[np.int64],
    digests: NDArray[np.uint8],
    shares: Mapping[str, float],
    seed: int,
) -> NDArray[np.int64]:
    """Put each of `n` items into a split.

    Items of one unit (a recording, or files with the same bytes) go together. Chance comes from the seed and the
    items' content alone: renaming files or listing them in another order changes nothing. Units of several items are
    placed first, the largest first, where they disturb the wanted counts least (the chi-square distance over splits
    and classes, as iterative stratification does); single items then fill up each class.

    Args:
        classes: `(n,)` class of each item; where an item has several labels, its rarest.
        units: `(n,)` number of the unit that each item belongs to, from 0 on without gaps.
        digests: `(n, 32)` SHA-256 of each item.
        shares: wanted share of each split; the first is train, which gets what cannot be divided.
        seed: decides who goes where.

    Returns:
        `(n,)` positions in `shares`.

    Raises:
        InputError: there are fewer units than splits.
    """
    parts = len(shares)
    members = _members(units)
    if len(members) < parts:
        raise InputError(
            f"{len(members)} separate items or groups cannot fill {parts} splits; add data, split it yourself into "
            f"{', '.join(shares)} folders, or check the group pattern"
        )
    wanted = np.outer(np.array(list(shares.values())), np.bincount(classes))
    ranks = [_rank(digests[rows], seed) for rows in members]
    split_of = np.full(len(classes), -1, np.int64)
    together = sorted(
        (unit for unit in range(len(members)) if len(members[unit]) > 1), key=lambda u: (-len(members[u]), ranks[u])
    )
    _place_units(together, members, classes, wanted, split_of)
    _place_singles(ranks, units, classes, wanted, split_of)
    _repair(members, classes, ranks, parts, split_of)
    return split_of


def connect(labelings: Sequence[NDArray[np.int64]], pairs: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Return `(n,)` unit numbers, from 0 on without gaps.

    Items that share a value in any of the `(n,)` labelings share a unit, and so do the two rows of each of the
    `(k, 2)` pairs.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(labelings[0])
    edges = [] if pairs is None else [pairs]
    nodes = count
    for labeling in labelings:
        values, value_of = np.unique(labeling, return_inverse=True)
        edges.append(np.stack([np.arange(count), value_of + nodes], axis=1))
        nodes += len(values)
    row, column = np.concatenate(edges).T
    graph = coo_array((np.ones(len(row), np.int8), (row, column)), shape=(nodes, nodes))
    components = connected_components(graph, directed=False)[1][:count]
    return np.unique(components, return_inverse=True)[1].astype(np.int64)


def _members(units: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    order = np.argsort(units, kind="stable")
    starts = np.flatnonzero(np.diff(units[order])) + 1
    return np.split(order, starts)


def _rank(digests: NDArray[np.uint8], seed: int) -> bytes:
    """Return what a unit is sorted by: as good as random, and the same for the same content and seed."""
    content = b"".join(sorted(digest.tobytes() for digest in digests))
    return hashlib.sha256(f"{seed}:".encode() + content).digest()


def _place_units(
    together: list[int],
    members: list[NDArray[np.int64]],
    classes: NDArray[np.int64],
    wanted: NDArray[np.float64],
    split_of: NDArray[np.int64],
) -> None:
    """Place units of several items where the counts then stand nearest to the wanted ones, by chi-square."""
    current = np.zeros_like(wanted)
    for unit in together:
        here, counts = np.unique(classes[members[unit]], return_counts=True)
        room = wanted[:, here]
        cost = (counts * (2 * (current[:, here] - room) + counts) / room).sum(axis=1)
        split = int(np.argmin(cost))
        split_of[members[unit]] = split
        current[split, here] += counts


def _place_singles(
    ranks: list[bytes],
    units: NDArray[np.int64],
    classes: NDArray[np.int64],
    wanted: NDArray[np.float64],
    split_of: NDArray[np.int64],
) -> None:
    """Fill up each class with its single items: val and test to their counts, train with the rest."""
    parts = len(wanted)
    for label in range(wanted.shape[1]):
        in_class = classes == label
        free = np.flatnonzero(in_class & (split_of < 0))
        free = np.array(sorted(free, key=lambda row: ranks[units[row]]), np.int64)
        for split in range(1, parts):
            have = int((in_class & (split_of == split)).sum())
            # Three items of a class are enough for one in each split; with fewer, training comes first.
            least = 1 if in_class.sum() >= parts and have == 0 else 0
            need = max(round(wanted[split, label]) - have, least)
            train_has = bool((in_class & (split_of == 0)).any())
            take = min(need, len(free) - (0 if train_has else 1))
            if take > 0:
                split_of[free[:take]] = split
                free = free[take:]
        split_of[free] = 0


def _repair(
    members: list[NDArray[np.int64]],
    classes: NDArray[np.int64],
    ranks: list[bytes],
    parts: int,
    split_of: NDArray[np.int64],
) -> None:
    """Give train each class, and each split something, by moving the smallest units that do it."""
    unit_split = np.array([split_of[rows[0]] for rows in members])
    smallest_first = sorted(range(len(members)), key=lambda unit: (len(members[unit]), ranks[unit]))

    def move(unit: int, split: int) -> None:
        split_of[members[unit]] = split
        unit_split[unit] = split

    for label in np.setdiff1d(classes, classes[split_of == 0]):
        move(next(unit for unit in smallest_first if (classes[members[unit]] == label).any()), 0)
    for split in range(1, parts):
        if (unit_split == split).any():
            continue
        donor = int(np.argmax(np.bincount(unit_split, minlength=parts)))
        offered = [unit for unit in smallest_first if unit_split[unit] == donor]
        spare = [unit for unit in offered if donor != 0 or _dispensable(members[unit], classes, split_of)]
        move((spare or offered)[0], split)


def _dispensable(rows: NDArray[np.int64], classes: NDArray[np.int64], split_of: NDArray[np.int64]) -> bool:
    """Tell whether train has other items of each class of `rows`."""
    rest = split_of == 0
    rest[rows] = False
    return bool(np.isin(classes[rows], classes[rest]).all())
