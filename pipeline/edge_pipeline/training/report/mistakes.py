"""The worst mistakes on test: the wrong answers that the network was surest of."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_benchmarks.accuracy import predicted
from edge_export.report.gallery import answer_words
from edge_pipeline.training.loader import Items

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Mistake:
    """An image that was answered wrongly."""

    path: Path
    truth: str
    answer: str
    score: float
    """How sure the network was of its answer, 0 to 1; for several labels, of the one furthest off."""

    @property
    def caption(self) -> str:
        """What stands under its picture, with the path's last two parts."""
        return f"{self.truth}, answered {self.answer} ({self.score:.0%}): {'/'.join(self.path.parts[-2:])}"


def worst_mistakes(
    items: Items, truth: "NDArray[Any]", logits: "NDArray[np.float32]", labels: tuple[str, ...], *, most: int = 24
) -> list[Mistake]:
    """Return the wrong answers that the network was surest of, surest first.

    Args:
        items: The test split.
        truth: `(n,)` class numbers, or `(n, classes)` booleans for multilabel data.
        logits: `(n, classes)`.
        labels: Class names.
        most: How many at most.
    """
    from scipy.special import expit, softmax

    multilabel = truth.ndim == 2
    answers = predicted(logits, multilabel)
    if multilabel:
        wrong = (answers != truth).any(axis=1)
        sureness = abs(expit(logits) - truth).max(axis=1)
    else:
        wrong = answers != truth
        sureness = softmax(logits, axis=1).max(axis=1)
    chosen = [int(index) for index in sureness.argsort()[::-1] if wrong[index]][:most]
    return [
        Mistake(
            Path(items.paths[index]),
            answer_words(truth[index], labels),
            answer_words(answers[index], labels),
            float(sureness[index]),
        )
        for index in chosen
    ]
