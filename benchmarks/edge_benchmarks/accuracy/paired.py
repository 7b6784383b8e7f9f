"""What a candidate lost and won against its baseline on the same items, and how much of that may be luck."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.statistics.clusters import clustered_p_value, clustered_upper_bound
from edge_benchmarks.statistics.proportions import CONFIDENCE, drop_p_value, tango_upper_bound
from edge_runtime.errors import InputError


@dataclass(frozen=True)
class Paired:
    """Losses item by item. Where items come in groups, whole groups vary, and items are worth less.

    `scale` of the methods asks about another set: that many times as many items, alike these.
    """

    losses: NDArray[np.int64]
    """`(n,)`: 1 where the baseline alone was right, -1 where the candidate alone was, else 0; `n` at least 1."""
    clusters: NDArray[np.int64] | None = None
    """`(n,)` number of each item's group, none left out; None where items vary by themselves."""

    @property
    def worse(self) -> int:
        """Items that the baseline had right and the candidate wrong."""
        return int((self.losses > 0).sum())

    @property
    def better(self) -> int:
        """Items that the candidate had right and the baseline wrong."""
        return int((self.losses < 0).sum())

    @property
    def drop(self) -> float:
        """Mean loss."""
        return float(self.losses.mean())

    def among(self, which: NDArray[np.bool_]) -> Paired:
        """Return these items alone."""
        if self.clusters is None:
            return Paired(self.losses[which])
        return Paired(self.losses[which], np.unique(self.clusters[which], return_inverse=True)[1])

    def upper_bound(self, confidence: float = CONFIDENCE, scale: float = 1.0) -> float:
        """Return the one-sided upper bound of the drop."""
        if self.clusters is not None:
            return clustered_upper_bound(self.losses, self.clusters, confidence, scale=scale)
        return tango_upper_bound(*self._counts(scale), confidence)

    def lower_bound(self, confidence: float = CONFIDENCE) -> float:
        """Return the one-sided lower bound of the drop: the upper bound of the gain, with its sign turned."""
        return -Paired(-self.losses, self.clusters).upper_bound(confidence)

    def p_value(self, drop: float, scale: float = 1.0) -> float:
        """Return how likely so bad a result would be if the true drop were `drop`."""
        if self.clusters is not None:
            return clustered_p_value(self.losses, self.clusters, drop, scale=scale)
        return drop_p_value(*self._counts(scale), drop)

    def _counts(self, scale: float) -> tuple[int, int, int]:
        """Count lost, won and all; rounded against the candidate: what was seen once may be seen twice."""
        n = max(round(scale * len(self.losses)), 1)
        worse = min(math.ceil(scale * self.worse), n)
        return worse, min(math.floor(scale * self.better), n - worse), n


def number_groups(groups: Sequence[str] | None, n: int) -> NDArray[np.int64] | None:
    """Number the groups of `n` items from 0.

    Raises:
        InputError: not one group an item.
    """
    if groups is None:
        return None
    if len(groups) != n:
        raise InputError(f"{len(groups):,} groups for {n:,} items; give one for each")
    return np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
