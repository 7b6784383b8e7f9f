"""What is wrong with texts and their labels: an error where another column was meant, else a warning."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from edge_pipeline.data.csv_file import LABEL_SEPARATOR
from edge_pipeline.data.layout import Item
from edge_runtime.errors import InputError

LONG = 1_000_000
"""Characters from which on a text is named: what a model reads of it is its beginning."""
PATH = re.compile(
    r"\S{1,400}\.(?:txt|csv|json|xml|html?|pdf|docx?|jpe?g|png|gif|bmp|tiff?|webp|wav|mp3|mp4)", re.IGNORECASE
)
"""A file's name or path, without spaces."""
MOST_PATHS = 0.9
"""Share of the texts from which on they are taken for paths."""
EXAMPLES = 3
"""Pairs of labels that a warning names."""


def check_texts(data: Path, items: Sequence[Item], texts: Sequence[str], multilabel: bool) -> tuple[str, ...]:
    """Refuse what are no texts, and return a line for each thing that someone should look at.

    Raises:
        InputError: all texts are empty, or nearly all are paths of files.
    """
    empty = sum(not text.strip() for text in texts)
    if empty == len(texts):
        raise InputError(f"{data}: all {empty:,} texts are empty; name the right column with --text")
    paths = sum(PATH.fullmatch(text.strip()) is not None for text in texts)
    if paths >= MOST_PATHS * len(texts):
        raise InputError(
            f"{data}: {paths:,} of {len(texts):,} texts are names of files; name the column of texts with --text, or "
            "give the folder that the files are in"
        )
    told = [f"{empty:,} texts are empty"] if empty else []
    if long := [item.path for item, text in zip(items, texts, strict=True) if len(text) >= LONG]:
        told.append(
            f"{len(long):,} texts have {LONG:,} characters or more, such as {long[0]}; models read the beginning"
        )
    if not multilabel and any(LABEL_SEPARATOR in label for item in items for label in item.labels):
        told.append(f"labels contain {LABEL_SEPARATOR!r}; give --multilabel if that separates several labels")
    return (*told, *_alike({label for item in items for label in item.labels}))


def _alike(labels: set[str]) -> list[str]:
    """Return a warning where labels differ in case, spaces or Unicode form alone, as after typing by hand."""
    forms: dict[str, list[str]] = {}
    for label in sorted(labels):
        form = "".join(unicodedata.normalize("NFKC", label).casefold().split())
        forms.setdefault(form, []).append(label)
    pairs = [" and ".join(map(repr, found)) for found in forms.values() if len(found) > 1]
    if not pairs:
        return []
    named = ", ".join(pairs[:EXAMPLES]) + (f" and {len(pairs) - EXAMPLES:,} more" if len(pairs) > EXAMPLES else "")
    return [f"labels differ only in case or spaces: {named}; if they are one class, write it one way"]
