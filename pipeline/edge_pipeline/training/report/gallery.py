"""The worst mistakes on test, with small pictures that carry pixels and nothing else of the originals."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_pipeline.training.loader import Items
from edge_runtime.preprocessing import ImagePreprocessing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

THUMBNAIL = 112
"""Longest side of a picture in the report, in pixels."""


@dataclass(frozen=True)
class Mistake:
    """An image that was answered wrongly."""

    name: str
    """Its path's last two parts."""
    truth: str
    answer: str
    score: float
    """How sure the network was of its answer, 0 to 1; for several labels, of the one furthest off."""
    picture: str
    """PNG in a data address."""


def worst_mistakes(
    items: Items,
    truth: "NDArray[Any]",
    logits: "NDArray[np.float32]",
    labels: tuple[str, ...],
    *,
    contract: ImagePreprocessing,
    most: int = 24,
) -> list[Mistake]:
    """Return the wrong answers that the network was surest of, surest first.

    Args:
        items: The test split.
        truth: `(n,)` class numbers, or `(n, classes)` booleans for multilabel data.
        logits: `(n, classes)`.
        labels: Class names.
        contract: How images are decoded.
        most: How many at most.
    """
    from scipy.special import expit, softmax

    if truth.ndim == 2:
        probabilities = expit(logits)
        answers = logits > 0
        wrong = (answers != truth).any(axis=1)
        sureness = abs(probabilities - truth).max(axis=1)
    else:
        probabilities = softmax(logits, axis=1)
        answers = logits.argmax(axis=1)
        wrong = answers != truth
        sureness = probabilities.max(axis=1)
    chosen = [int(index) for index in sureness.argsort()[::-1] if wrong[index]][:most]
    return [
        Mistake(
            "/".join(Path(items.paths[index]).parts[-2:]),
            _names(truth[index], labels),
            _names(answers[index], labels),
            float(sureness[index]),
            _thumbnail(items.paths[index], contract),
        )
        for index in chosen
    ]


def _names(answer: Any, labels: tuple[str, ...]) -> str:
    if answer.ndim == 0:
        return labels[int(answer)]
    return " | ".join(label for label, there in zip(labels, answer, strict=True) if there) or "none"


def _thumbnail(path: str, contract: ImagePreprocessing) -> str:
    from PIL import Image

    from edge_runtime.image import decode_image

    image = Image.fromarray(decode_image(path, contract))
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
