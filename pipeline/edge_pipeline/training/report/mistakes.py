"""The worst mistakes on test: the wrong answers, or wrong tags of words, that the network was surest of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_benchmarks.accuracy import NO_WORD, predicted
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


def worst_tags(
    texts: Sequence[str],
    truth: "NDArray[np.int64]",
    logits: "NDArray[np.float32]",
    labels: tuple[str, ...],
    words: Callable[[str], Sequence[tuple[int, int]]],
    *,
    most: int = 24,
) -> list[Mistake]:
    """Return for the texts with a wrong tag the one that the network was surest of, surest first.

    Args:
        texts: Of the test split.
        truth: `(n, words)` tags, `NO_WORD` behind a text's last word.
        logits: `(n, words, tags)`.
        labels: Names of the tags.
        words: Gives the characters of a text's words, from and to; the tags behind them are of spans that no word can
            say.
        most: How many at most.
    """
    from scipy.special import softmax

    answers = predicted(logits, multilabel=False)
    sureness = softmax(logits, axis=-1).max(axis=-1)
    sureness[(answers == truth) | (truth == NO_WORD)] = 0.0
    found: list[Mistake] = []
    order: list[int] = sureness.max(axis=1).argsort()[::-1].tolist()
    for index in order:
        at, places = int(sureness[index].argmax()), words(texts[index])
        if len(found) == most or not sureness[index, at]:
            break
        start, end = places[at] if at < len(places) else (0, 0)
        word = f"{texts[index][start:end]}: " if end else ""
        tags = labels[truth[index, at]], labels[answers[index, at]]
        found.append(Mistake(texts[index], f"{word}{tags[0]}", tags[1], float(sureness[index, at])))
    return found
