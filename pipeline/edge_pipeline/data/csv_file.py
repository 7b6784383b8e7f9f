"""Reads the items of a CSV file with the header `path,label[,split][,group]`."""

import csv
import io
from pathlib import Path

from edge_pipeline.data.layout import SPLIT_NAMES, Item, Listing
from edge_runtime.errors import InputError

LABEL_SEPARATOR = "|"
"""Between the labels of one image where it may have several."""
DELIMITERS = ",;\t"
"""What spreadsheets write, depending on the language they are set to."""
COLUMNS = ("path", "label", "split", "group")


def list_csv(file: Path, *, multilabel: bool) -> Listing:
    """Read the items. Paths are relative to the CSV file's folder, or absolute.

    Raises:
        InputError: the file is not UTF-8 or has no such header, or a row is incomplete or contradicts another.
    """
    rows = _rows(file)
    items: dict[str, Item] = {}
    warnings = []
    repeated = 0
    for line, row in rows:
        item = _item(file, line, row, multilabel)
        before = items.setdefault(item.path, item)
        if before != item:
            raise InputError(f"{file} line {line}: {item.path} was listed before with another label, split or group")
        repeated += before is not item
    if repeated:
        warnings.append(f"{repeated:,} rows repeat an earlier row and are not counted again")
    if not multilabel and any(LABEL_SEPARATOR in item.labels[0] for item in items.values()):
        warnings.append(f"labels contain {LABEL_SEPARATOR!r}; give --multilabel if that separates several labels")
    with_split = sum(item.split is not None for item in items.values())
    if 0 < with_split < len(items):
        raise InputError(
            f"{file}: {len(items) - with_split:,} of {len(items):,} rows have no split; fill in all or none"
        )
    return Listing(file.parent, tuple(sorted(items.values(), key=lambda item: item.path)), warnings=tuple(warnings))


def _rows(file: Path) -> list[tuple[int, dict[str, str]]]:
    """Return each row as column to value, with the number of the line that it ends on."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not UTF-8 (byte {error.start}); save it as 'CSV UTF-8'") from error
    except OSError as error:
        raise InputError(
            f"{file}: cannot be read ({error.strerror or error}); check the path and permissions"
        ) from error
    first = text.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        _check_header(file, header)
        rows = []
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            if len(fields) != len(header):
                raise InputError(
                    f"{file} line {reader.line_num}: {len(fields)} fields under a header of {len(header)}; "
                    f"put names that contain {delimiter!r} in quotes"
                )
            rows.append((reader.line_num, {name: field.strip() for name, field in zip(header, fields, strict=True)}))
    except csv.Error as error:
        raise InputError(f"{file} line {reader.line_num}: broken CSV ({error}); check the quotes") from error
    if not rows:
        raise InputError(f"{file}: no rows under the header; add one line path,label for each image")
    return rows


def _check_header(file: Path, header: list[str]) -> None:
    missing = [name for name in ("path", "label") if name not in header]
    if missing:
        raise InputError(
            f"{file}: no column {' and '.join(missing)} in the header {', '.join(header) or '(empty)'}; "
            "the first line must be path,label with split and group if you have them; "
            "of texts, name the columns with --text and --label"
        )
    twice = sorted({name for name in COLUMNS if header.count(name) > 1})
    if twice:
        raise InputError(f"{file}: the header names {', '.join(twice)} twice; keep one")


def _item(file: Path, line: int, row: dict[str, str], multilabel: bool) -> Item:
    path = row["path"].replace("\\", "/").removeprefix("./")
    if not path:
        raise InputError(f"{file} line {line}: the path is empty; fill it in or remove the row")
    if multilabel:
        names = {name.strip() for name in row["label"].split(LABEL_SEPARATOR)}
        labels = tuple(sorted(names - {""}))
    elif row["label"]:
        labels = (row["label"],)
    else:
        raise InputError(f"{file} line {line}: {path} has no label; fill it in, remove the row, or give --multilabel")
    split = row.get("split", "")
    if split and split.lower() not in SPLIT_NAMES:
        raise InputError(f"{file} line {line}: split {split!r}; write train, val or test")
    return Item(path, labels, SPLIT_NAMES[split.lower()] if split else None, row.get("group") or None)
