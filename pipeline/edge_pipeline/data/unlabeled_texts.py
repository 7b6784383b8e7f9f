"""Opens texts without labels: enough to calibrate on, and to ask whether two encoders find the same neighbors."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_benchmarks.accuracy.neighbors import MOST_UNLABELED
from edge_pipeline.data import checks
from edge_pipeline.data.layout import SPLITS, Item
from edge_pipeline.data.leaks import same_content
from edge_pipeline.data.partition import partition
from edge_pipeline.data.spans import COLUMN_SUFFIXES, SPANS
from edge_pipeline.data.text_opening import LABEL, TEXT, company_of, digests_of, text_of
from edge_pipeline.data.text_tables import TABLE_SUFFIXES, Row, read_table, read_text_file
from edge_pipeline.data.text_twins import TextTwins, comparable
from edge_runtime.errors import InputError

LINES = ".txt"
"""A file of texts, one a line."""


@dataclass(frozen=True)
class UnlabeledTexts:
    """The texts of one split. Iterating gives `(text, None)`."""

    texts: tuple[str, ...]
    fingerprint: str
    """SHA-256 over the texts' hashes, whatever their file is called."""

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[tuple[str, None]]:
        for text in self.texts:
            yield text, None


def lacks_labels(data: Path, label: str | None) -> bool:
    """Tell whether a file holds texts alone: lines, or a table without a column of labels and without spans."""
    suffix = data.suffix.lower()
    if label is not None or suffix in COLUMN_SUFFIXES or not data.is_file():
        return False
    if suffix == LINES:
        return True
    return suffix in TABLE_SUFFIXES and not any({LABEL, SPANS} & set(row.values) for row in read_table(data, []))


def open_unlabeled_texts(
    data: Path, *, text: str | None, group: str | None, allow_leaks: bool, seed: int
) -> tuple[dict[str, UnlabeledTexts], list[str]]:
    """Open texts without labels, check them and split them as `open_dataset` does.

    Args:
        data: A table, or a `.txt` file with a text a line.
        text: As in `open_dataset`, and so are the others.
        group: Column of what must stay in one split.
        allow_leaks: Go on with the same text or group in two splits.
        seed: Decides the splits that are made here.

    Returns:
        The splits, and what someone should look at, one line each.

    Raises:
        InputError: there are too few texts, a column is missing, or two splits share texts.
    """
    name = text or TEXT
    rows = _rows(data, name, group)
    texts = [text_of(data, row, name) for row in rows]
    items = [Item(row.place, (), *company_of(data, row, group)) for row in rows]
    reduced = [comparable(one) for one in texts]
    digests, content, likeness = digests_of(texts), same_content(digests_of(reduced)), TextTwins(reduced)
    splits, _, decided = partition(items, content, digests, likeness, seed)
    _, leaks = checks.check_leaks(data, items, splits, content, allow=allow_leaks, noun="texts")
    _, twins = checks.find_near_duplicates(items, splits, content, likeness, "texts")
    made = {}
    for split in SPLITS:
        # So many are compared with each other; in the order of their hashes, which says nothing about them.
        chosen = sorted(np.flatnonzero(np.array(splits) == split), key=lambda row: digests[row].tobytes())
        chosen = chosen[: None if split == "train" else MOST_UNLABELED]
        if chosen:
            fingerprint = hashlib.sha256(b"".join(digests[row].tobytes() for row in chosen)).hexdigest()
            made[split] = UnlabeledTexts(tuple(texts[row] for row in sorted(chosen)), fingerprint)
    counts = Counter(splits)
    sizes = ", ".join(f"{counts[split]:,} {split}" for split in SPLITS)
    head = (
        f"no labels: {len(items):,} texts ({sizes}), so what is judged is how often a text's nearest neighbor among "
        "the others is the one that fp32 finds"
    )
    return made, [head, *decided, *leaks, *twins]


def _rows(data: Path, name: str, group: str | None) -> list[Row]:
    if data.suffix.lower() != LINES:
        return read_table(data, [name, *([group] if group else [])])
    if group:
        raise InputError(f"--group {group}: {data} has lines and no columns; leave it out")
    lines = enumerate(read_text_file(data).splitlines(), 1)
    rows = [Row(f"line {number}", {name: line}) for number, line in lines if line.strip()]
    if not rows:
        raise InputError(f"{data}: no texts; write one a line")
    return rows
