"""What loaded models of one bundle say about labelled items, whatever their task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from edge_benchmarks.accuracy.answers import Answers, Label, collect_answers
from edge_benchmarks.accuracy.spans import tagging

if TYPE_CHECKING:
    from edge_runtime import Model


def ask_models(models: Mapping[str, Model], samples: Iterable[tuple[Any, Label]]) -> Answers:
    """Ask several variants of one bundle about the same items in one pass.

    Args:
        models: Name to model; the first one's preprocessing and task are those of all.
        samples: Pairs of input and label.

    Raises:
        InputError: as `collect_answers`.
    """
    from edge_runtime.preprocessing import make_preprocessor
    from edge_runtime.tasks import is_embedding, is_multilabel

    first = next(iter(models.values()))
    task = first.manifest.task
    preprocess = make_preprocessor(first.manifest.preprocessing, first.bundle.read)
    return collect_answers(
        {name: model.infer for name, model in models.items()},
        preprocess,
        samples,
        stack=preprocess.stack,
        multilabel=is_multilabel(task),
        embeddings=is_embedding(task),
        **tagging(task, first.labels, preprocess),
    )
