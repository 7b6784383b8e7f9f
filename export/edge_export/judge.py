"""Measure the baseline and the candidates, and choose the one that test will judge."""

from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.accuracy import Answers, collect_answers, judge_accuracy
from edge_benchmarks.timing import InterleavedTimings, interleave
from edge_export.candidates import BASELINE, Candidate
from edge_export.capture import Captured
from edge_export.sessions import predictor
from edge_runtime.image import ImagePreprocessor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge_export.config import Samples

EAGER = "torch-eager"
"""Name of the source itself in a timing, run eagerly by torch."""

CHOOSING_SECONDS = 3.0


def answer(candidates: Sequence[Candidate], captured: Captured, samples: "Samples") -> Answers:
    """Let every candidate answer the same samples in one pass."""
    predictors = {candidate.name: predictor(candidate.model, options=candidate.session) for candidate in candidates}
    preprocess = ImagePreprocessor(captured.preprocessing)
    return collect_answers(predictors, preprocess, samples, multilabel=captured.task == "image-multilabel")


def choose(candidates: Sequence[Candidate], val: Answers, batch: NDArray[np.float32], max_drop: float) -> Candidate:
    """Choose the fastest candidate whose val drop is within `max_drop`; where none is, the one that drops least."""
    if len(candidates) == 1:
        return candidates[0]
    drops = {one.name: judge_accuracy(val, BASELINE, one.name, max_drop=max_drop).drop for one in candidates}
    allowed = [one for one in candidates if drops[one.name] <= max_drop]
    if not allowed:
        return min(candidates, key=lambda one: drops[one.name])
    timings = time_models(allowed, batch, CHOOSING_SECONDS)
    return min(allowed, key=lambda one: float(np.median(timings.samples_ns[one.name])))


def time_models(
    candidates: Sequence[Candidate],
    batch: NDArray[np.float32],
    seconds: float,
    captured: Captured | None = None,
    seed: int = 0,
) -> InterleavedTimings:
    """Time one inference of each candidate, and of the source itself where given, in one interleaved run.

    Every arm runs on one thread: pools of several sessions in one process would spin against each other.
    """
    arms: dict[str, Callable[[], object]] = {}
    if captured is not None:
        arms[EAGER] = _arm(captured.reference, batch)
    for candidate in candidates:
        arms[candidate.name] = _arm(predictor(candidate.model, threads=1, options=candidate.session), batch)
    with _one_torch_thread():
        return interleave(arms, seconds=seconds, seed=seed)


def _arm(predict: "Callable[[NDArray[np.float32]], object]", batch: NDArray[np.float32]) -> "Callable[[], object]":
    return lambda: predict(batch)


@contextmanager
def _one_torch_thread() -> "Iterator[None]":
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
