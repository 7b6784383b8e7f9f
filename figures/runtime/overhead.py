"""What `Model.predict` adds to its stages by hand: preprocess, `session.run`, softmax."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from interface import Figure

from edge_benchmarks.statistics import percentile_interval
from edge_benchmarks.timing import ROUNDS_PER_BLOCK, InterleavedTimings, interleave
from edge_runtime import Model, load
from runtime.networks import SMALL, USUAL, photos, small_bundle, usual_bundle

SECONDS = 6.0
LIST = 8
MOST_US = 50.0
MOST_RATIO = 1.02


def measure() -> list[Figure]:
    """Time single arrays and lists of `LIST` on a usual network and on a tiny one."""
    return [*figures(usual_bundle(), USUAL, (640, 480)), *figures(small_bundle(), SMALL, (32, 32))]


def figures(bundle: Path, name: str, size: tuple[int, int]) -> list[Figure]:
    """Time one bundle with frames of `size` = (width, height)."""
    model = load(bundle, threads=1)
    frames = list(photos(LIST, size))
    return [
        _figure(_time(model, frames[0]), 1, f"predict(array) over its stages by hand: {name}"),
        _figure(_time(model, frames), LIST, f"predict(list of {LIST}) over its stages by hand: {name}"),
    ]


def _time(model: Model, frames: Any) -> InterleavedTimings:
    # All of it runs in this thread, so its own CPU time tells what other processes cannot disturb.
    return interleave(arms(model, frames), seconds=SECONDS, clock=time.thread_time_ns)


def _figure(timings: InterleavedTimings, items: int, name: str) -> Figure:
    """Return the ratio, or the microseconds more an item where a call is so short that 2 % of it is less than 50."""
    hand = float(np.median(timings.samples_ns["hand"])) / 1e3 / items
    how = f"median of {timings.rounds // 2} paired blocks, CPU time of 1 thread; by hand {hand:.0f} us an item"
    if hand * (MOST_RATIO - 1) > MOST_US:
        ratio = timings.ratio("predict", "hand")
        return Figure(name, ratio.estimate, ratio.low, ratio.high, MOST_RATIO, "at most", "x", how)
    more = (timings.blocks("predict") - timings.blocks("hand")) / ROUNDS_PER_BLOCK / 1e3 / items
    interval = percentile_interval(more, 0.5)
    assert interval is not None
    return Figure(name, interval.estimate, interval.low, interval.high, MOST_US, "at most", "us", how)


def arms(model: Model, frames: Any) -> dict[str, Callable[[], object]]:
    """Return `predict` and the same by hand, for one array or a list of them."""
    session, preprocess, labels = model.session, model.preprocess, model.labels
    entry, exit_ = session.get_inputs()[0].name, session.get_outputs()[0].name
    many = isinstance(frames, list)

    def by_hand() -> object:
        batch = np.stack([preprocess(frame) for frame in frames]) if many else preprocess(frames)[None]
        logits = session.run([exit_], {entry: batch})[0]
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities = exponents / exponents.sum(axis=1, keepdims=True)
        return [(labels[at], row[at]) for row, at in zip(probabilities, probabilities.argmax(axis=1), strict=True)]

    return {"predict": lambda: model.predict(frames, color="rgb"), "hand": by_hand}
