"""Sample texts with one label each, written as one CSV file."""

import csv
import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.data.split import connect
from edge_pipeline.data.text_twins import TextTwins, comparable
from edge_pipeline.samples.interface import Kept, Progress, Splits

DATA_FILE = "data.csv"


@dataclass(frozen=True)
class LabelledTexts:
    """All texts of a source, in its own order."""

    texts: tuple[str, ...]
    targets: NDArray[np.int64]
    """`(n,)` indices into `classes`."""
    classes: tuple[str, ...]
    noun: str = "texts"
    official_test: NDArray[np.bool_] | None = None

    def keep(self) -> Kept:
        """Keep the first of the texts that are equal when `normalized`, and none whose words have several labels."""
        keys = [normalized(text) for text in self.texts]
        return keep_first(keys, [int(target) for target in self.targets], [words(text) for text in self.texts])

    def digests(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return `(k, 32)` SHA-256 of the texts."""
        return text_digests([self.texts[row] for row in rows])

    def units(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Keep together what says nearly the same, such as one advertisement with two numbers or two names."""
        return text_units([self.texts[row] for row in rows])

    def write(self, root: Path, splits: Splits, progress: Progress | None) -> str:
        """Write `data.csv` with the columns `text,label,split`, UTF-8, in the source's order."""
        split_of = {int(row): split for split, rows in splits.items() for row in rows}
        with (root / DATA_FILE).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("text", "label", "split"))
            writer.writerows(
                (self.texts[row], self.classes[self.targets[row]], split_of[row]) for row in sorted(split_of)
            )
        if progress is not None:
            progress(len(split_of), len(split_of))
        return DATA_FILE


def normalized(text: str) -> str:
    """Return `text` without differences of case, white space and the form of characters (NFKC)."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def letters(text: str) -> str:
    """Return the letters of the normalized text alone, or the text where it has none."""
    plain = normalized(text)
    return "".join(character for character in plain if character.isalpha()) or plain


def text_units(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return `(n,)` numbers, equal for texts of equal letters and for those that say nearly the same."""
    same = np.unique([letters(text) for text in texts], return_inverse=True)[1].astype(np.int64)
    every = np.arange(len(texts))
    twins = TextTwins([comparable(text) for text in texts]).near(every, every)
    return connect([same], np.array(list(twins.items()), np.int64).reshape(-1, 2))


def text_digests(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Return `(k, 32)` SHA-256 of the texts."""
    hashes = b"".join(hashlib.sha256(text.encode()).digest() for text in texts)
    return np.frombuffer(hashes, np.uint8).reshape(-1, 32)


def words(text: str) -> str:
    """Return the normalized text without punctuation and spaces, or the text where nothing else is in it."""
    plain = normalized(text)
    return "".join(letter for letter in plain if unicodedata.category(letter)[0] not in "PZ") or plain


def keep_first(keys: Sequence[str], answers: Sequence[Hashable], meanings: Sequence[str] | None = None) -> Kept:
    """Keep the first item of each key, and no item whose meaning has several answers.

    Args:
        keys: Equal for items of which one is enough.
        answers: The items' labels.
        meanings: Equal for items that should have one label; the keys where None.
    """
    answers_of: dict[str, set[Hashable]] = defaultdict(set)
    for meaning, answer in zip(meanings or keys, answers, strict=True):
        answers_of[meaning].add(answer)
    clear = [row for row, meaning in enumerate(meanings or keys) if len(answers_of[meaning]) == 1]
    first: dict[str, int] = {}
    for row in clear:
        first.setdefault(keys[row], row)
    kept = np.array(sorted(first.values()), np.int64)
    return Kept(kept, len(clear) - len(kept), len(keys) - len(clear))
