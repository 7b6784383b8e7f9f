"""One call from encoded image to answer, with the time of each stage: decode, preprocess, infer, postprocess."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from edge_runtime import Model

STAGES = ("decode", "preprocess", "infer", "postprocess")
"""In the order in which `edge_runtime.Model.predict` composes them."""


class Feed:
    """Gives every arm of a block the same input, and tells the arms when measuring begins."""

    def __init__(self, inputs: Sequence[bytes]) -> None:
        self._inputs = inputs
        self._arms: list[StagedCall] = []
        self._measuring = False
        self.current = inputs[0]
        """The encoded image to answer now."""

    def arm(self, model: Model) -> StagedCall:
        """Return a timed call of `model` that is fed from here."""
        self._arms.append(StagedCall(model, self))
        return self._arms[-1]

    def prepare(self, block: int) -> None:
        """Choose the block's input; at the first block drop what the warm-up left."""
        if not self._measuring:
            for arm in self._arms:
                arm.forget()
            self._measuring = True
        self.current = self._inputs[block % len(self._inputs)]


class StagedCall:
    """An arm for the timer that runs a model's four stages and remembers how long each took."""

    def __init__(self, model: Model, feed: Feed) -> None:
        self._model = model
        self._feed = feed
        self._marks: list[tuple[int, ...]] = []

    def __call__(self) -> None:
        """Answer the current input."""
        clock, model, data = time.perf_counter_ns, self._model, self._feed.current
        start = clock()
        image = model.decode(data)
        decoded = clock()
        tensor = model.preprocess(image)
        preprocessed = clock()
        logits = model.infer(tensor[np.newaxis])
        inferred = clock()
        model.postprocess(logits)
        self._marks.append((start, decoded, preprocessed, inferred, clock()))

    def forget(self) -> None:
        """Drop what was remembered."""
        self._marks.clear()

    def stages_ns(self, rounds: int) -> dict[str, NDArray[np.int64]]:
        """Return each stage's nanoseconds in the first `rounds` calls since `forget`, aligned with the timer's."""
        marks = np.asarray(self._marks[:rounds], dtype=np.int64).reshape(-1, len(STAGES) + 1)
        durations = np.diff(marks, axis=1)
        return {stage: durations[:, index] for index, stage in enumerate(STAGES)}
