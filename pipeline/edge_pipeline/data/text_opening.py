"""Opens labelled texts: a CSV file, JSON lines, or a folder of `.txt` files in a folder for each class.

A table has a column of texts and one of labels (`text` and `label`, unless others are named), and perhaps `split` and a
group. Texts whose letters and digits are the same, whatever their case, form, spaces and punctuation, count as one
content: they stay together where splits are made here, and are a leak where the data puts them into two. Those that say
nearly the same stay together too, and are a warning elsewhere.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_pipeline.data.csv_file import LABEL_SEPARATOR
from edge_pipeline.data.dataset import Dataset, TextSplit
from edge_pipeline.data.layout import SPLIT_NAMES, Item
from edge_pipeline.data.leaks import same_content
from edge_pipeline.data.making import Found, SplitParts, make_dataset
from edge_pipeline.data.spans import COLUMN_SUFFIXES, SPANS, read_columns, read_spans
from edge_pipeline.data.text_checks import check_texts
from edge_pipeline.data.text_tables import (
    JSON_SUFFIXES,
    TABLE_SUFFIXES,
    Row,
    read_table,
    read_text_file,
    require_columns,
    table_columns,
)
from edge_pipeline.data.text_twins import TextTwins, comparable
from edge_runtime.errors import InputError

TEXT, LABEL, SPLIT, GROUP = "text", "label", "split", "group"
"""Names of the columns where nobody says otherwise."""
FILE_SUFFIXES = (*TABLE_SUFFIXES, *COLUMN_SUFFIXES)
MOST_CLASSES = 1000
"""More labels than this are no classes but texts, names or numbers."""
FEWEST_REPEATS = 2
"""Rows that a label has on average at least, in data of `SMALL` rows or more."""
SMALL = 20
FEWEST = 6
"""Text files that make a folder one of texts: two classes in three splits. Fewer are notes beside something else."""


def is_text_data(data: Path, text: str | None) -> bool:
    """Tell whether a data set holds texts: a column is named, or a table or the folder's files say so."""
    if text is not None:
        return True
    if data.is_dir():
        if any(path.suffix.lower() in COLUMN_SUFFIXES for path in data.iterdir()):
            return True
        return _texts_prevail(data)
    suffix = data.suffix.lower()
    if suffix in COLUMN_SUFFIXES:
        return data.is_file()
    if not data.is_file() or suffix not in TABLE_SUFFIXES:
        return False
    return suffix in JSON_SUFFIXES or (TEXT in (columns := table_columns(data)) and "path" not in columns)


def _texts_prevail(folder: Path) -> bool:
    """Tell whether text files are no notes beside images, of which each may have one."""
    from edge_pipeline.data.layout import IMAGE_SUFFIXES

    found = Counter(path.suffix.lower() for path in folder.rglob("*"))
    return found[".txt"] >= FEWEST and found[".txt"] > sum(found[suffix] for suffix in IMAGE_SUFFIXES)


def open_texts(
    data: Path,
    *,
    text: str | None,
    label: str | None,
    group: str | None,
    allow_leaks: bool,
    seed: int,
    multilabel: bool,
) -> Dataset:
    """Open labelled texts and check them; the arguments are those of `open_dataset`.

    Raises:
        InputError: there is no data, a column or a value is missing, the labels look like texts, or two splits share
            texts or groups.
    """
    names = (text or TEXT, label or LABEL)
    rows = _read_folder(data, names) if data.is_dir() else _read_file(data, names, group, label)
    texts = [text_of(data, row, names[0]) for row in rows]
    tagged = label is None and SPANS in rows[0].values
    if tagged:
        group = group or (GROUP if GROUP in rows[0].values else None)
        items = [_tagged(data, row, one, group) for row, one in zip(rows, texts, strict=True)]
    else:
        items = [_item(data, row, names[1], group, multilabel) for row in rows]
        _check_labels(data, items, names[1])
    _check_splits(data, items)
    digests = digests_of(texts)
    told = check_texts(data, items, texts, multilabel)
    reduced = [comparable(one) for one in texts]
    content = same_content(digests_of(reduced))
    found = Found(data, items, digests, content, TextTwins(reduced), noun="texts", warnings=told)

    def split(rows: NDArray[np.int64], parts: SplitParts) -> TextSplit:
        return TextSplit(tuple(texts[row] for row in rows), *parts)

    options = {
        "text": names[0], "label": None if tagged else names[1], "group": group, "allow_leaks": allow_leaks,
        "seed": seed, "multilabel": multilabel,
    }  # fmt: skip
    return make_dataset(found, split, options)


def read_texts(data: Path, column: str | None = None) -> list[str]:
    """Return the texts of a table, whatever else stands beside them.

    Args:
        data: A file with one of `FILE_SUFFIXES`.
        column: Of the texts; None takes `text`.

    Raises:
        InputError: it cannot be read, has no texts or lacks the column.
    """
    name = column or TEXT
    rows = read_columns(data, name) if data.suffix.lower() in COLUMN_SUFFIXES else read_table(data, [name])
    return [text_of(data, row, name) for row in rows]


def _read_file(data: Path, names: tuple[str, str], group: str | None, label: str | None) -> list[Row]:
    if data.suffix.lower() in COLUMN_SUFFIXES and data.is_file():
        return read_columns(data, names[0])
    if data.suffix.lower() not in TABLE_SUFFIXES or not data.is_file():
        raise InputError(f"{data}: no folder and no table; texts come as {', '.join(FILE_SUFFIXES)} or a folder")
    rows = read_table(data, [names[0], *([group] if group else []), *([label] if label else [])])
    if SPANS not in rows[0].values:
        require_columns(data, rows, [names[1]])
    return rows


def _read_folder(root: Path, names: tuple[str, str]) -> list[Row]:
    files = [path for path in sorted(root.iterdir()) if path.suffix.lower() in COLUMN_SUFFIXES]
    if not files:
        return _list_folder(root, names)
    rows = []
    for path in files:
        if path.stem.lower() not in SPLIT_NAMES:
            raise InputError(f"{path}: name it after its split, such as train{path.suffix}, or give one file alone")
        for place, values in read_columns(path, names[0]):
            own = {GROUP: f"{path.stem} {values[GROUP]}"} if GROUP in values else {}
            rows.append(Row(f"{path.name} {place}", values | own | {SPLIT: path.stem}))
    return rows


def _list_folder(root: Path, names: tuple[str, str]) -> list[Row]:
    """Return the `.txt` files of `[SPLIT/]CLASS/`, as rows of a table."""
    rows = []
    for path in sorted(root.rglob("*.txt")):
        parts = path.relative_to(root).parts
        if len(parts) < 2 or any(part.startswith(".") for part in parts):
            continue
        split = SPLIT_NAMES.get(parts[0].lower(), "") if len(parts) > 2 else ""
        value = read_text_file(path)
        rows.append(Row("/".join(parts), {names[0]: value, names[1]: parts[1 if split else 0], SPLIT: split}))
    if not rows:
        raise InputError(f"{root}: no .txt files in folders of classes")
    return rows


def text_of(data: Path, row: Row, column: str) -> str:
    """Return a row's text.

    Raises:
        InputError: it has none.
    """
    value = row.values.get(column)
    if not isinstance(value, str):
        kind = "missing" if value is None else type(value).__name__
        raise InputError(f"{data} {row.place}: {column} is {kind}, a text is expected")
    return value


def _item(data: Path, row: Row, column: str, group: str | None, multilabel: bool) -> Item:
    labels = _labels(row.values.get(column), multilabel)
    if not labels and not multilabel:
        raise InputError(f"{data} {row.place}: {column} is empty; fill it in or remove the row")
    if len(labels) > 1 and not multilabel:
        raise InputError(f"{data} {row.place}: {len(labels)} labels; give --multilabel if a text may have several")
    return Item(row.place, labels, *company_of(data, row, group))


def _tagged(data: Path, row: Row, text: str, group: str | None) -> Item:
    unknown = sorted(set(row.values) - {TEXT, SPANS, SPLIT, GROUP, group})
    if unknown and text is row.values.get(TEXT):
        raise InputError(f"{data} {row.place}: {', '.join(unknown)} is not known; text, spans, split and group are")
    spans = read_spans(data, row, text)
    return Item(row.place, tuple(sorted({span.label for span in spans})), *company_of(data, row, group), spans)


def company_of(data: Path, row: Row, group: str | None) -> tuple[str | None, str | None]:
    """Return the split and the group that a row names."""
    split = str(row.values.get(SPLIT) or "").strip().lower()
    if split and split not in SPLIT_NAMES:
        raise InputError(f"{data} {row.place}: split {split!r}; write train, val or test")
    name = str(row.values.get(group) or "").strip() if group else ""
    return SPLIT_NAMES[split] if split else None, name or None


def _labels(value: Any, multilabel: bool) -> tuple[str, ...]:
    if isinstance(value, list):
        names = [str(one).strip() for one in value]
    elif isinstance(value, bool):
        names = [str(value).lower()]
    else:
        plain = "" if value is None else str(value).strip()
        names = plain.split(LABEL_SEPARATOR) if multilabel else [plain]
    return tuple(sorted({name.strip() for name in names} - {""}))


def _check_labels(data: Path, items: Sequence[Item], column: str) -> None:
    """Refuse what are no classes: another column was meant."""
    labels = {label for item in items for label in item.labels}
    many = len(items) >= SMALL and len(labels) * FEWEST_REPEATS > len(items)
    if len(labels) > MOST_CLASSES or many:
        raise InputError(
            f"{data}: column {column} has {len(labels):,} different values in {len(items):,} rows, so they are no "
            "classes; name the right column with --label"
        )


def _check_splits(data: Path, items: Sequence[Item]) -> None:
    with_split = sum(item.split is not None for item in items)
    if 0 < with_split < len(items):
        raise InputError(
            f"{data}: {len(items) - with_split:,} of {len(items):,} rows have no split; fill in all or none"
        )


def digests_of(texts: Sequence[str]) -> NDArray[np.uint8]:
    """Return `(n, 32)` SHA-256 digests."""
    digests = [hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest() for text in texts]
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 32)
