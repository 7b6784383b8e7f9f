"""What a model answers, and how logits become it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_runtime.manifest import Manifest, Unknown, Variant

if TYPE_CHECKING:
    import numpy.typing as npt

UNKNOWN = "unknown"
"""The label of an answer that is withheld."""
_MULTILABEL_THRESHOLD = 0.5


@dataclass(frozen=True, eq=False)
class Prediction:
    """One answer."""

    label: str
    """The best label; `unknown` when withheld; for several labels an image, those over 0.5 joined by `|`."""
    score: float
    """Probability of the best label, calibrated where the bundle carries a temperature."""
    unknown: bool
    """The score is under the bundle's threshold. `top(1)` still tells the best label."""
    probabilities: npt.NDArray[np.float64]
    """(labels,), in the order of `labels`: softmax, or for several labels an image one sigmoid each."""
    labels: tuple[str, ...]
    content_id: str
    """Of the bundle that answered."""
    names: tuple[str, ...] = ()
    """For several labels an image: those over 0.5, best first. Otherwise the best label alone, even when withheld."""

    def top(self, k: int = 5) -> list[tuple[str, float]]:
        """Return the `k` most probable labels with their probabilities, best first; equal ones in label order."""
        order = np.argsort(-self.probabilities, kind="stable")[: max(k, 0)]
        return [(self.labels[at], float(self.probabilities[at])) for at in order]

    def to_dict(self, k: int = 5) -> dict[str, Any]:
        """Return the answer as a JSON-ready dictionary, with the `k` most probable labels."""
        return {
            "label": self.label,
            "score": self.score,
            "unknown": self.unknown,
            "top": [{"label": label, "score": score} for label, score in self.top(k)],
            "content_id": self.content_id,
        }


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


def predictions(logits: npt.NDArray[Any], manifest: Manifest, variant: Variant) -> list[Prediction]:
    """Turn `(n, labels)` logits into `n` answers by the bundle's rules."""
    if manifest.task == "image-multilabel":
        return [_several(row, manifest) for row in sigmoid(logits)]
    rule = variant.unknown
    probabilities = softmax(logits, rule.temperature if rule else 1.0)
    best = logits.argmax(axis=1)  # of the logits: two unlike ones can have the same probability
    return [_one(row, int(at), manifest, rule) for row, at in zip(probabilities, best, strict=True)]


def _one(row: npt.NDArray[np.float64], at: int, manifest: Manifest, rule: Unknown | None) -> Prediction:
    name, score = manifest.labels[at], float(row[at])
    unknown = rule is not None and score < rule.threshold
    return Prediction(UNKNOWN if unknown else name, score, unknown, row, manifest.labels, manifest.content_id, (name,))


def _several(row: npt.NDArray[np.float64], manifest: Manifest) -> Prediction:
    order = np.argsort(-row, kind="stable")
    names = tuple(manifest.labels[at] for at in order if row[at] > _MULTILABEL_THRESHOLD)
    return Prediction("|".join(names), float(row.max()), False, row, manifest.labels, manifest.content_id, names)
