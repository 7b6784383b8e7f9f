"""What a model answers, and the functions that make probabilities of logits."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

UNKNOWN = "unknown"
"""The label of an answer that is withheld."""


@dataclass(frozen=True)
class Entity:
    """One span of a text."""

    label: str
    """Its kind: the tag without `B-` or `I-`."""
    start: int
    """Place of its first character in the `str` that was given, or that bytes were decoded to (without a byte order
    mark)."""
    end: int
    """Place after its last character."""
    text: str
    score: float
    """Probability of the tag of its least sure word."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """One answer."""

    label: str
    """The best label; `unknown` when withheld; for several labels an item, those over 0.5 joined by `|`;
    for tags the spans, as `nr 0-2|ns 5-8`; empty for embeddings."""
    score: float
    """Probability of the best label, calibrated where the bundle carries a temperature; for tags that of the least
    sure word, 1 without words."""
    unknown: bool
    """The score is under the bundle's threshold. `top(1)` still tells the best label."""
    probabilities: npt.NDArray[np.float64]
    """(labels,), in the order of `labels`: softmax, or for several labels an item one sigmoid each; for
    tags (words, labels)."""
    labels: tuple[str, ...]
    content_id: str
    """Of the bundle that answered."""
    names: tuple[str, ...] = ()
    """For several labels an item: those over 0.5, best first. For tags: its spans'. Otherwise the best label alone,
    even when withheld."""
    entities: tuple[Entity, ...] | None = None
    """For tags: the spans, in the text's order."""
    embedding: npt.NDArray[np.float32] | Any = None
    """For embeddings: (width,) float32 of length one, so that the dot product of two is their cosine. Else None."""

    def top(self, k: int = 5) -> list[tuple[str, float]]:
        """Return the `k` most probable labels and their probabilities, best first, ties in label order; tags: none."""
        if self.probabilities.ndim != 1:
            return []
        order = np.argsort(-self.probabilities, kind="stable")[: max(k, 0)]
        return [(self.labels[at], float(self.probabilities[at])) for at in order]

    def to_dict(self, k: int = 5) -> dict[str, Any]:
        """Return the answer as a JSON-ready dictionary: the `k` most probable labels, the spans or the embedding."""
        if self.embedding is not None:
            return {"embedding": self.embedding.tolist(), "content_id": self.content_id}
        told: dict[str, Any]
        if self.entities is None:
            told = {"top": [{"label": label, "score": score} for label, score in self.top(k)]}
        else:
            told = {"entities": [asdict(entity) for entity in self.entities]}
        head = {"label": self.label, "score": self.score, "unknown": self.unknown}
        return {**head, **told, "content_id": self.content_id}


def softmax(logits: npt.NDArray[Any], temperature: float = 1.0) -> npt.NDArray[np.float64]:
    """Return the softmax of `(n, labels)` logits over a temperature, in float64, shifted so that nothing overflows."""
    scaled = logits.astype(np.float64)
    if temperature != 1.0:
        scaled /= temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    np.exp(scaled, out=scaled)
    scaled /= scaled.sum(axis=1, keepdims=True)
    return scaled


def sigmoid(logits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return 1 / (1 + exp(-x)) in float64; the exponent is never positive, so nothing overflows."""
    values = logits.astype(np.float64)
    small = np.exp(-np.abs(values))
    return np.where(values >= 0, 1.0, small) / (1.0 + small)
