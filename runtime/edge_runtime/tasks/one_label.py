"""One label an item: the best one, withheld where the bundle has a threshold and the score is under it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_runtime.prediction import UNKNOWN, Prediction, softmax

if TYPE_CHECKING:
    import numpy.typing as npt

    from edge_runtime.manifest import Manifest, Unknown, Variant


def one_label(logits: npt.NDArray[Any], manifest: Manifest, variant: Variant, _: Any = ()) -> list[Prediction]:
    """Turn `(n, labels)` logits into `n` answers."""
    rule = variant.unknown
    probabilities = softmax(logits, rule.temperature if rule else 1.0)
    best = logits.argmax(axis=1)  # of the logits: two unlike ones can have the same probability
    return [_answer(row, int(at), manifest, rule) for row, at in zip(probabilities, best, strict=True)]


def mean(parts: npt.NDArray[Any], owner: Any) -> Any:
    """Join windows' logits: each weighs by the tokens that it knows best."""
    return np.average(parts, axis=0, weights=np.bincount(owner[0])).astype(parts.dtype)


def _answer(row: npt.NDArray[np.float64], at: int, manifest: Manifest, rule: Unknown | None) -> Prediction:
    name, score = manifest.labels[at], float(row[at])
    unknown = rule is not None and score < rule.threshold
    return Prediction(UNKNOWN if unknown else name, score, unknown, row, manifest.labels, manifest.content_id, (name,))
