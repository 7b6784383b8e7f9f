"""Several labels an item, or none: every label whose probability is over one half."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_runtime.prediction import Prediction, sigmoid

if TYPE_CHECKING:
    import numpy.typing as npt

    from edge_runtime.manifest import Manifest, Variant

_THRESHOLD = 0.5


def several_labels(logits: npt.NDArray[Any], manifest: Manifest, _: Variant, __: Any = ()) -> list[Prediction]:
    """Turn `(n, labels)` logits into `n` answers."""
    return [_answer(row, manifest) for row in sigmoid(logits)]


def largest(parts: npt.NDArray[Any], _: Any) -> Any:
    """Join windows' logits: a text has the labels that a window has."""
    return parts.max(axis=0)


def _answer(row: npt.NDArray[np.float64], manifest: Manifest) -> Prediction:
    order = np.argsort(-row, kind="stable")
    names = tuple(manifest.labels[at] for at in order if row[at] > _THRESHOLD)
    return Prediction("|".join(names), float(row.max()), False, row, manifest.labels, manifest.content_id, names)
