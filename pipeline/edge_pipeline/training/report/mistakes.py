"""The worst mistakes on test: the wrong answers that the network was surest of."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_benchmarks.accuracy import predicted
from edge_export.report.gallery import answer_words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Mistake:
    """An item that was answered wrongly."""

    item: Path | str
    """An image's file, or a text."""
    truth: str
    answer: str
    score: float
    """How sure the network was of its answer, 0 to 1; for several labels, of the one furthest off."""

    @property
    def caption(self) -> str:
        """What stands with it: a picture has its path's last two parts."""
        said = f"{self.truth}, answered {self.answer} ({self.score:.0%})"
        return said if isinstance(self.item, str) else f"{said}: {'/'.join(self.item.parts[-2:])}"


def worst_mistakes(
    items: Sequence[Path | str],
    truth: "NDArray[Any]",
    logits: "NDArray[np.float32]",
    labels: tuple[str, ...],
    *,
    most: int = 24,
) -> list[Mistake]:
    """Return the wrong answers that the network was surest of, surest first.

    Args:
        items: Of the test split: files of images, or texts.
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
            items[index],
            answer_words(truth[index], labels),
            answer_words(answers[index], labels),
            float(sureness[index]),
        )
        for index in chosen
    ]
