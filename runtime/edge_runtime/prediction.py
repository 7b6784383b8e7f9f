"""What a model answers, and the functions that make probabilities of logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

UNKNOWN = "unknown"
"""The label of an answer that is withheld."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """One answer."""

    label: str
    """The best label; `unknown` when withheld; for several labels an item, those over 0.5 joined by `|`."""
    score: float
    """Probability of the best label, calibrated where the bundle carries a temperature."""
    unknown: bool
    """The score is under the bundle's threshold. `top(1)` still tells the best label."""
    probabilities: npt.NDArray[np.float64]
    """(labels,), in the order of `labels`: softmax, or for several labels an item one sigmoid each."""
    labels: tuple[str, ...]
    content_id: str
    """Of the bundle that answered."""
    names: tuple[str, ...] = ()
    """For several labels an item: those over 0.5, best first. Otherwise the best label alone, even when withheld."""

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
