"""Sample sentences with entities at character offsets, written as JSON lines."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.data.text_twins import comparable
from edge_pipeline.samples.interface import Kept, Progress, Splits
from edge_pipeline.samples.texts import keep_first, text_digests

DATA_FILE = "data.jsonl"


@dataclass(frozen=True, slots=True)
class Span:
    """An entity: `text[start:end]` in Python characters."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a document."""

    text: str
    spans: tuple[Span, ...]
    document: int
    """Number of the article, or run of articles, that it is from."""


@dataclass(frozen=True)
class TaggedSentences:
    """All sentences of a source, in its own order."""

    sentences: tuple[Sentence, ...]
    labels: tuple[str, ...]
    """Kinds of entity, the rarest first."""
    noun: str = "sentences"
    official_test: NDArray[np.bool_] | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The kinds of entity."""
        return self.labels

    @property
    def targets(self) -> NDArray[np.int64]:
        """`(n,)` the rarest kind of entity in each sentence; one more than the last where there is none."""
        return np.array([self._rarest(sentence) for sentence in self.sentences], np.int64)

    def keep(self) -> Kept:
        """Keep the first of the sentences that are the same but for digits, case, space and the form of characters."""
        keys = [_undated(sentence.text) for sentence in self.sentences]
        answers = [
            tuple((span.label, _undated(sentence.text[span.start : span.end])) for span in sentence.spans)
            for sentence in self.sentences
        ]
        return keep_first(keys, answers)

    def digests(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return `(k, 32)` SHA-256 of the sentences."""
        return text_digests([self.sentences[row].text for row in rows])

    def units(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Keep the sentences of one document together: its people and places come up again and again."""
        documents = [self.sentences[row].document for row in rows]
        return np.unique(documents, return_inverse=True)[1].astype(np.int64)

    def write(self, root: Path, splits: Splits, progress: Progress | None) -> str:
        """Write `data.jsonl`, a line `{"text", "spans": [{"start", "end", "label"}], "split", "group"}` a sentence."""
        split_of = {int(row): split for split, rows in splits.items() for row in rows}
        with (root / DATA_FILE).open("w", encoding="utf-8", newline="\n") as file:
            for row in sorted(split_of):
                sentence = self.sentences[row]
                spans = [{"start": span.start, "end": span.end, "label": span.label} for span in sentence.spans]
                group = f"{sentence.document:04d}"
                line = {"text": sentence.text, "spans": spans, "split": split_of[row], "group": group}
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        if progress is not None:
            progress(len(split_of), len(split_of))
        return DATA_FILE

    def _rarest(self, sentence: Sentence) -> int:
        present = {span.label for span in sentence.spans}
        return next((at for at, label in enumerate(self.labels) if label in present), len(self.labels))


def _undated(text: str) -> str:
    """Return a text's letters without digits, so that two days' datelines are one, in the form that a leak has."""
    plain = comparable(text)
    return "".join(character for character in plain if not character.isdigit()) or plain
