"""Measure the baseline and the candidates: what they answer, and how long they take."""

from collections.abc import Sequence
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.accuracy import Answers, collect_answers, tagging
from edge_benchmarks.timing import InterleavedTimings, interleave
from edge_export.candidates import BASELINE, Candidate
from edge_export.capture import Captured
from edge_export.capture.interface import Predictor
from edge_export.sessions import predictor
from edge_runtime.errors import InputError
from edge_runtime.tasks import is_embedding, is_multilabel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge_export.config import Samples

EAGER = "torch-eager"
"""Name of the source itself in a timing, run eagerly by torch."""


def answer(candidates: Sequence[Candidate], captured: Captured, samples: "Samples") -> Answers:
    """Let every candidate answer the same samples in one pass.

    Raises:
        InputError: the baseline's logits are NaN or infinite on some sample.
    """
    preprocess, read = captured.preprocessor(), captured.reader()
    predictors = {one.name: predictor(one.model, options=one.session, read=read) for one in candidates}
    answers = collect_answers(
        predictors,
        preprocess,
        samples,
        stack=preprocess.stack,
        multilabel=is_multilabel(captured.task),
        embeddings=is_embedding(captured.task),
        classes=len(captured.labels),
        **tagging(captured.task, captured.labels, preprocess),
    )
    if BASELINE in answers.logits:
        broken = np.flatnonzero(~np.isfinite(answers.logits[BASELINE]).reshape(len(answers.labels), -1).all(axis=1))
        if len(broken):
            first = answers.inputs[broken[0]]
            named = first if isinstance(first, PathLike) else f"item {broken[0] + 1}"
            raise InputError(
                f"{named}: the fp32 network answers NaN or infinity here and on "
                f"{len(broken) - 1} other samples; look at this input, or train again"
            )
    return answers


def time_models(
    candidates: Sequence[Candidate],
    reference: Predictor | None,
    inputs: Sequence[NDArray[Any]],
    *,
    seconds: float,
    seed: int = 0,
    warmup_seconds: float = 0.5,
) -> InterleavedTimings:
    """Time one inference of each input by each candidate, and by the source itself, in one interleaved run.

    Every arm runs on one thread: pools of several sessions in one process would spin against each other.
    """
    arms: dict[str, Callable[[], object]] = {}
    if reference is not None:
        arms[EAGER] = _arm(reference, inputs)
    for candidate in candidates:
        arms[candidate.name] = _arm(predictor(candidate.model, threads=1, options=candidate.session), inputs)
    with _one_torch_thread():
        return interleave(arms, seconds=seconds, seed=seed, warmup_seconds=warmup_seconds)


def _arm(predict: "Callable[[NDArray[Any]], object]", inputs: Sequence[NDArray[Any]]) -> "Callable[[], object]":
    return lambda: [predict(one) for one in inputs]


@contextmanager
def _one_torch_thread() -> "Iterator[None]":
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
