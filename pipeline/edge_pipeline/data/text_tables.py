"""Tables of texts: CSV and JSON lines, read strictly, with the place of each row for errors."""

import codecs
import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from edge_pipeline.data.csv_file import DELIMITERS
from edge_runtime.errors import InputError

JSON_SUFFIXES = (".jsonl", ".ndjson")
TABLE_SUFFIXES = (".csv", ".tsv", *JSON_SUFFIXES)
MOST_FIELD = 1 << 27
"""Characters of one field of a CSV file; Python's own limit of 131,072 is less than a long document."""


class Row(NamedTuple):
    """One row."""

    place: str
    """Where it stands: `line 12`, or a file's path."""
    values: dict[str, Any]
    """Column to value: texts from CSV, anything from JSON."""


def table_columns(file: Path) -> list[str]:
    """Return the column heads of a CSV file; none where it has no first line that could be read."""
    try:
        with file.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            first = stream.readline()
    except OSError:
        return []
    return [name.strip().lower() for name in next(csv.reader([first], delimiter=_delimiter(first)), [])]


def read_table(file: Path, columns: Sequence[str]) -> list[Row]:
    """Read a table that has these columns.

    Raises:
        InputError: the file is not UTF-8, is broken, has no rows, or lacks a column.
    """
    text = read_text_file(file)
    rows = _json_lines(file, text) if file.suffix.lower() in JSON_SUFFIXES else _csv(file, text)
    if not rows:
        raise InputError(f"{file}: no rows; there is nothing to learn from")
    require_columns(file, rows, columns)
    return rows


def require_columns(file: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Refuse a table that lacks a column.

    Raises:
        InputError: it does.
    """
    known = {name for row in rows for name in row.values}
    for column in columns:
        if column not in known:
            raise InputError(
                f"{file}: no column {column!r}; there are {', '.join(sorted(known)) or 'none'}; name the columns with "
                "--text, --label and --group"
            )


def read_text_file(file: Path) -> str:
    """Read a UTF-8 file, without its byte order mark.

    Raises:
        InputError: it is not UTF-8, holds NUL or cannot be read.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror or error}); check the path") from error
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(f"{file}: UTF-16, UTF-8 is expected; save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(f"{file} line {line}: not UTF-8 (byte {error.start}); save it as UTF-8") from error
    if (zero := text.find("\0")) >= 0:
        line = text.count("\n", 0, zero) + 1
        raise InputError(f"{file} line {line}: a NUL character, as UTF-16 and binary files have; save it as UTF-8 text")
    return text


def _delimiter(first: str) -> str:
    return max(DELIMITERS, key=first.count)


def _csv(file: Path, text: str) -> list[Row]:
    csv.field_size_limit(MOST_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text.split("\n", 1)[0]), strict=True)
    rows = []
    try:
        header = [name.strip() for name in next(reader, [])]
        twice = sorted({name for name in header if header.count(name) > 1})
        if twice:
            raise InputError(f"{file}: the header names {', '.join(twice)} twice; keep one")
        for fields in reader:
            if not fields:
                continue
            if len(fields) != len(header):
                raise InputError(
                    f"{file} line {reader.line_num}: {len(fields)} fields under a header of {len(header)}; "
                    "put texts with separators, quotes or line breaks in quotes"
                )
            rows.append(Row(f"line {reader.line_num}", dict(zip(header, fields, strict=True))))
    except csv.Error as error:
        raise InputError(f"{file} line {reader.line_num}: broken CSV ({error}); check the quotes") from error
    return rows


def _json_lines(file: Path, text: str) -> list[Row]:
    rows = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{file} line {number}: broken JSON ({error}); write one object a line") from error
        if not isinstance(document, dict):
            raise InputError(f"{file} line {number}: {type(document).__name__}; write one object a line")
        rows.append(Row(f"line {number}", document))
    return rows
