"""Texts with spans in training: a target for each token that decides, and answers as words again."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_benchmarks.accuracy import NO_WORD, OUTSIDE, Span, span_tags, stack_words
from edge_runtime.errors import InputError
from edge_runtime.text import TextPreprocessor

if TYPE_CHECKING:
    from torch import Tensor

IGNORED = -100
"""The target of a token that decides nothing: padding, special tokens, the inner pieces of a word. torch's own."""


class TokenTargets:
    """Targets of one split.

    Args:
        texts: Of the split.
        spans: Of each text.
        preprocess: The contract.
        tags: All tags.

    Raises:
        InputError: every span begins or ends inside a word of the tokenizer.
    """

    def __init__(
        self,
        texts: Sequence[str],
        spans: Sequence[Any],
        preprocess: TextPreprocessor,
        tags: Sequence[str],
    ) -> None:
        self.torn: list[str] = []
        """Spans that begin or end inside a word of the tokenizer, which no answer can find."""
        self.cut = 0
        """Spans behind the longest length."""
        length = preprocess.contract.max_length
        if preprocess.contract.truncation == "window":
            length = max(length, *(len(preprocess(text)) for text in texts))
        rows, behind = [], []
        for text, wanted in zip(texts, spans, strict=True):
            words = preprocess.trace(text)
            found, missed = span_tags(wanted, words.spans, tags)
            row = np.full(length, IGNORED, dtype=np.int64)
            row[list(words.first)] = found
            rows.append(row)
            behind.append(np.array(missed, dtype=np.int64))
            if missed:
                self._tell(text, wanted, words.spans)
        self.rows = np.concatenate([np.stack(rows), stack_words(behind, IGNORED)], axis=1)
        """`(n, columns)`: the tokens of the longest length, then the words that stand for missed spans."""
        total = sum(map(len, spans))
        if total and len(self.torn) + self.cut == total:
            raise InputError(
                f"no span begins and ends with a word of the tokenizer, such as {self.torn[0]!r}; check the offsets, "
                "which count characters, or choose another model"
                if self.torn
                else f"all spans lie behind the first {length} tokens; give a larger --max-length"
            )

    def _tell(self, text: str, spans: Sequence[Span], words: Sequence[tuple[int, int]]) -> None:
        starts, ends = {start for start, _ in words}, {end for _, end in words}
        last = max(ends, default=0)
        for start, end, _ in spans:
            if end > last:
                self.cut += 1
            elif start not in starts or end not in ends:
                self.torn.append(text[start:end])

    def notes(self, split: str) -> list[str]:
        """Return what someone should know, one line each."""
        found = []
        if self.torn:
            found.append(
                f"{split}: {len(self.torn):,} spans begin or end inside a word of the tokenizer, such as "
                f"{self.torn[0]!r}; they are never found, and count as missed"
            )
        if self.cut:
            found.append(f"{split}: {self.cut:,} spans lie behind the longest length; they count as missed")
        return found


def widen(logits: "Tensor", columns: int, outside: int) -> "Tensor":
    """Widen `(n, length, tags)` logits to so many columns; what is new says O, as every model does of missed spans."""
    import torch
    from torch.nn import functional as F

    wide = F.pad(logits, (0, 0, 0, columns - logits.shape[1]))
    wide[:, logits.shape[1] :, outside] = torch.ones((), dtype=wide.dtype)
    return wide


def outside_of(labels: Sequence[str]) -> int:
    """Return the place of the tag of what is in no span."""
    return list(labels).index(OUTSIDE)


def as_words(targets: "Tensor", logits: "Tensor") -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return tags `(n, words)` and logits `(n, words, tags)` of the tokens that decide, as accuracy takes them."""
    decide = targets.numpy() != IGNORED
    truth = [row[which] for row, which in zip(targets.numpy(), decide, strict=True)]
    said = [row[which] for row, which in zip(logits.numpy(), decide, strict=True)]
    return stack_words(truth, NO_WORD), stack_words(said, 0.0)
