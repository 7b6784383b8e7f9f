"""Tags on words become spans: B- begins one, I- of the same kind goes on, and any other I- begins one as B- would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edge_runtime.prediction import Entity, Prediction, softmax

if TYPE_CHECKING:
    import numpy.typing as npt

    from edge_runtime.manifest import Manifest, Variant
    from edge_runtime.text import Words


def tags(logits: npt.NDArray[Any], manifest: Manifest, _: Variant, traces: Sequence[Words]) -> list[Prediction]:
    """Turn `(n, length, labels)` logits into the spans of `n` texts; the first piece of a word decides."""
    return [_answer(row, manifest, words) for row, words in zip(logits, traces, strict=True)]


def of_owner(parts: npt.NDArray[Any], owner: Any) -> Any:
    """Join windows' logits: each token's are of the window that knows it best."""
    return parts[owner]


def _answer(row: npt.NDArray[Any], manifest: Manifest, words: Words) -> Prediction:
    row = row[list(words.first)]
    probabilities = softmax(row)
    sure = probabilities.max(axis=1)
    found: list[tuple[str, int, int, float]] = []
    kind = ""
    for best, score, (start, end) in zip(row.argmax(axis=1), sure.tolist(), words.spans, strict=True):
        prefix, _, name = manifest.labels[best].partition("-")
        if prefix == "I" and name == kind:
            begun = found.pop()
            found.append((name, begun[1], end, min(score, begun[3])))
        elif prefix != "O":
            found.append((name, start, end, score))
        kind = name
    entities = tuple(Entity(name, start, end, words.text[start:end], score) for name, start, end, score in found)
    label = "|".join(f"{name} {start}-{end}" for name, start, end, _ in found)
    least = min(sure.tolist(), default=1.0)
    names = tuple(one.label for one in entities)
    return Prediction(label, least, False, probabilities, manifest.labels, manifest.content_id, names, entities)
