"""When to withhold an answer: temperature and threshold, fitted on val."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.accuracy import Answers
from edge_export.capture import Captured
from edge_export.config import ExportConfig
from edge_runtime.manifest import Unknown
from edge_runtime.tasks import is_embedding, is_multilabel

UNKNOWN_LABEL = "unknown"
"""What the runtime answers below the threshold; a class of that name could not be told from it."""

Logits = NDArray[np.float32]
Labels = NDArray[np.int64] | NDArray[np.bool_]
"""Class indices; the truth table of multilabel items never gets here, and the task is checked before."""


def choose_unknown(model: str, captured: Captured, val: Answers, config: ExportConfig) -> Unknown | None:
    """Fit the threshold on labeled val, where one answer an item is asked for and no class is called "unknown"."""
    if val.reference or val.tags or is_embedding(captured.task):
        return None  # which answers are right is what nobody knows, or an embedding says no label
    if config.unknown_precision is None or is_multilabel(captured.task) or UNKNOWN_LABEL in captured.labels:
        return None
    return fit_unknown(val.logits[model], val.labels, config.unknown_precision)


def fit_temperature(logits: Logits, labels: Labels) -> float:
    """Return the temperature that minimizes the negative log likelihood (Guo et al. 2017, "On Calibration").

    Args:
        logits: `(n, classes)`.
        labels: `(n,)` class indices.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(logits.astype(np.float64) / np.exp(log_temperature), axis=1)[rows, labels].mean())

    # exp(-2.5) to exp(2.5), 0.08 to 12: beyond it the fit follows a handful of items.
    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))


def fit_unknown(logits: Logits, labels: Labels, precision: float) -> Unknown:
    """Choose the lowest threshold at which the accepted val answers are right in `precision` of the cases.

    The threshold lies midway between two observed scores, so that the last bit of a CPU's `exp` does not decide.
    """
    temperature = fit_temperature(logits, labels)
    scores, right = _scores(logits, labels, temperature)
    order = np.argsort(-scores, kind="stable")
    share_right = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    allowed = np.flatnonzero(share_right >= precision)
    accepted = int(allowed[-1]) + 1 if len(allowed) else 0
    ordered = np.concatenate([[1.0], scores[order], [0.0]])
    threshold = 0.0 if accepted == len(order) else float(ordered[accepted] + ordered[accepted + 1]) / 2
    return Unknown(temperature, threshold, precision)


def measure_unknown(logits: Logits, labels: Labels, unknown: Unknown) -> dict[str, Any]:
    """Return what the threshold does on other items: share answered, and share of right among those."""
    scores, right = _scores(logits, labels, unknown.temperature)
    accepted = scores >= unknown.threshold
    return {
        "n": len(labels),
        "coverage": float(accepted.mean()),
        "precision": float(right[accepted].mean()) if accepted.any() else None,
    }


def _scores(logits: Logits, labels: Labels, temperature: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    from scipy.special import softmax

    scores = softmax(logits.astype(np.float64) / temperature, axis=1).max(axis=1)
    return scores, logits.argmax(axis=1) == labels
