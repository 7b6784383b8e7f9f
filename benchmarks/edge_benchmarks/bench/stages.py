"""One call from a file to its answer, with the time of each stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from edge_runtime import Model

STAGES = ("read", "decode", "preprocess", "infer", "postprocess")
"""In the order in which `edge_runtime.Model.predict` composes them, after the file was read."""

TRANSFERS = ("host-to-device", "device-to-host")
"""What a model that keeps its buffers on a device does before and after `infer`."""


class Feed:
    """Gives every arm of a block the same input, and tells the arms when measuring begins."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._arms: list[StagedCall] = []
        self._measuring = False
        self.current = self._files[0]
        """The file to answer now."""

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
        self.current = self._files[block % len(self._files)]


class StagedCall:
    """An arm for the timer that runs a model's stages and remembers how long each took."""

    def __init__(self, model: Model, feed: Feed) -> None:
        self._model = model
        self._feed = feed
        self._marks: list[tuple[int, ...]] = []
        self._copies = watch_copies(model)

    def __call__(self) -> None:
        """Answer the current input."""
        clock, model, file = time.perf_counter_ns, self._model, self._feed.current
        start = clock()
        data = file.read_bytes()
        read = clock()
        image = model.decode(data)
        decoded = clock()
        tensor = model.preprocess(image)
        preprocessed = clock()
        logits = model.infer(tensor[np.newaxis])
        inferred = clock()
        model.postprocess(logits, (image,))
        self._marks.append((start, read, decoded, preprocessed, inferred, clock()))

    def forget(self) -> None:
        """Drop what was remembered."""
        self._marks.clear()
        for copies in self._copies or ():
            copies.clear()

    def stages_ns(self, rounds: int) -> dict[str, NDArray[np.int64]]:
        """Return each stage's nanoseconds in the first `rounds` calls since `forget`, aligned with the timer's."""
        marks = np.asarray(self._marks[:rounds], dtype=np.int64).reshape(-1, len(STAGES) + 1)
        durations = np.diff(marks, axis=1)
        found = {stage: durations[:, index] for index, stage in enumerate(STAGES)}
        if self._copies is None:
            return found
        sent, fetched = (np.asarray(copies[:rounds], dtype=np.int64) for copies in self._copies)
        there, back = TRANSFERS
        infer = found["infer"] - sent - fetched
        head = {stage: found[stage] for stage in ("read", "decode", "preprocess")}
        return head | {there: sent, "infer": infer, back: fetched, "postprocess": found["postprocess"]}


def watch_copies(model: Model) -> tuple[list[int], list[int]] | None:
    """Time a model's copies to and from its device from now on; None where it has no buffers there.

    Returns:
        Nanoseconds of each copy to the device, and of each copy back; the lists grow with each inference.
    """
    buffers: Any = model.buffers
    if buffers is None:
        return None
    sent: list[int] = []
    fetched: list[int] = []
    kind = type(buffers)  # of the class, so that watching again does not time the watching
    buffers.send = _timed(partial(kind.send, buffers), sent)
    buffers.fetch = _timed(partial(kind.fetch, buffers), fetched)
    return sent, fetched


def _timed(call: Callable[..., Any], durations: list[int]) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        start = time.perf_counter_ns()
        answer = call(*arguments)
        durations.append(time.perf_counter_ns() - start)
        return answer

    return timed
