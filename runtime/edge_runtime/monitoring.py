"""Counts of what a model answers, and whether its scores still look as they did at first."""

from __future__ import annotations

import copy
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_runtime._threads import ProcessLock
from edge_runtime.errors import InputError
from edge_runtime.prediction import Prediction

if TYPE_CHECKING:
    import numpy.typing as npt

MAX_MODELS = 8
"""Models whose counts are kept, those that answered last."""
FALSE_ALARMS = 0.001
"""Chance that one look at scores that have not changed finds them over the limit."""


@dataclass(frozen=True)
class Counts:
    """What one model answered since its first answer or the last reset."""

    predictions: int
    unknown: int
    """Answers that were withheld; their share is `unknown / predictions`."""
    labels: dict[str, int]
    """Label to how often it was given, most frequent first; withheld answers are not in it."""
    mean_score: float
    drift: float | None
    """Largest difference between the shares of scores under any value, of the first and the latest window (the
    two-sample Kolmogorov-Smirnov statistic): 0 is the same, 1 wholly other. None until both windows are full."""
    drift_limit: float
    """What `drift` passes by chance in one of a thousand looks where nothing changed and answers are independent;
    frames of one recording are not, so let a camera's window be longer than a scene."""

    @property
    def drifted(self) -> bool:
        """Whether the latest scores differ from the first by more than chance explains."""
        return self.drift is not None and self.drift > self.drift_limit


class Monitor:
    """Counts predictions, unknowns and score drift of each model. Safe to call from many threads.

    Give `Monitor().add` to `ModelSlot` as `on_prediction`, and read `snapshot()` as often as you like. The first
    `window` scores of a model are what its later ones are compared with, so drift is measured from the day it began to
    serve; the labels of production are not known, so a drifted score is a reason to look, not a verdict.

    Args:
        window: Answers in each of the two windows; it takes 16 bytes an answer and model.
    """

    def __init__(self, window: int = 1000) -> None:
        if window < 1:
            raise InputError(f"window={window}: a positive number of answers is expected")
        self.window = window
        self._lock = ProcessLock()
        self._models: dict[str, _Tally] = {}

    def add(self, prediction: Prediction) -> None:
        """Count one answer."""
        with self._lock:
            tally = self._models.pop(prediction.content_id, None) or _Tally(self.window)
            self._models[prediction.content_id] = tally
            if len(self._models) > MAX_MODELS:
                del self._models[next(iter(self._models))]
            tally.add(prediction)

    def snapshot(self) -> dict[str, Counts]:
        """Return the counts of each model by its `content_id`, the one that answered last at the end."""
        with self._lock:
            # Sorting the windows takes milliseconds, in which answers would wait.
            tallies = copy.deepcopy(self._models)
        return {content_id: tally.counts() for content_id, tally in tallies.items()}

    def reset(self) -> None:
        """Forget everything: counts begin at zero, and the next answers are the new reference."""
        with self._lock:
            self._models.clear()


class _Tally:
    """Running counts of one model; the caller holds the lock, or has a copy."""

    def __init__(self, window: int) -> None:
        self._first = np.empty(window)
        self._latest = np.empty(window)
        self._labels: Counter[str] = Counter()
        self._predictions = self._unknown = 0
        self._scores = 0.0

    def add(self, prediction: Prediction) -> None:
        at, window = self._predictions, len(self._first)
        if at < window:
            self._first[at] = prediction.score
        else:
            self._latest[at % window] = prediction.score
        self._predictions += 1
        self._scores += prediction.score
        if prediction.unknown:
            self._unknown += 1
        else:
            self._labels.update(prediction.names)

    def counts(self) -> Counts:
        full = self._predictions >= 2 * len(self._first)
        return Counts(
            self._predictions,
            self._unknown,
            dict(self._labels.most_common()),
            self._scores / self._predictions,
            kolmogorov_smirnov(self._first, self._latest) if full else None,
            drift_limit(len(self._first), len(self._latest)),
        )


def kolmogorov_smirnov(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    """Return the largest distance between the empirical distributions of two samples, 0 to 1 (Smirnov 1939)."""
    first, second = np.sort(first), np.sort(second)
    both = np.concatenate([first, second])
    shares = [np.searchsorted(sample, both, side="right") / len(sample) for sample in (first, second)]
    return float(np.abs(shares[0] - shares[1]).max())


def drift_limit(first: int, second: int, chance: float = FALSE_ALARMS) -> float:
    """Return the distance that samples of these sizes from one distribution pass with this chance, at most.

    `sqrt(-ln(chance / 2) / 2 * (n + m) / (n * m))`, from the first term of Kolmogorov's limit; equal scores only make
    alarms rarer.
    """
    return math.sqrt(-math.log(chance / 2) / 2 * (first + second) / (first * second))
