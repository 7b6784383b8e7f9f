"""Masks the fields of a CSV file and leaves every other byte of it as it is."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_pipeline.data.csv_file import DELIMITERS
from edge_pipeline.scrubbing.masking import Masker
from edge_pipeline.scrubbing.reading import lines
from edge_pipeline.scrubbing.tally import KEPT_COLUMNS, Tally
from edge_runtime.errors import InputError

LONGEST_RECORD = 1 << 20
"""Characters of a row; a longer one means that a quote is missing."""
LINE_ENDS = ("", "\n", "\r\n")


@dataclass(frozen=True, slots=True)
class Record:
    """A row as it stands in the file."""

    line: int
    """Where it begins."""
    fields: tuple[str, ...]
    """With their quotes."""
    end: str
    """Its line end; empty for the last row of some files."""
    delimiter: str
    """Between its fields."""

    @property
    def blank(self) -> bool:
        """Whether it is an empty line."""
        return len(self.fields) == 1 and not self.fields[0].strip()


def scrub_table(
    file: Path, write: Callable[[str], None], masker: Masker, columns: tuple[str, ...], tally: Tally
) -> None:
    """Copy a CSV file row by row with `columns` masked, or all but `KEPT_COLUMNS` where none is named.

    Delimiter, quotes, line ends and byte order mark stay as they are: only fields in which something was found change.

    Raises:
        InputError: the file is no CSV in UTF-8, lacks a named column, or has personal data in its first line.
    """
    rows = records(file)
    header = next(rows, None)
    if header is None or header.blank:
        raise InputError(f"{file}: no header; the first line must name the columns")
    names = [value(field.lstrip("\ufeff")).strip().lower() for field in header.fields]
    chosen = _chosen(file, names, columns, masker)
    write(header.delimiter.join(header.fields) + header.end)
    for record in rows:
        fields = list(record.fields)
        if not record.blank:
            if len(fields) != len(names):
                raise InputError(
                    f"{file} line {record.line}: {len(fields)} fields under a header of {len(names)}; "
                    f"put texts that contain {record.delimiter!r} in quotes"
                )
            for at, name in chosen.items():
                fields[at] = _masked(fields[at], name, masker, tally)
            tally.item(changed=fields != list(record.fields))
        write(record.delimiter.join(fields) + record.end)


def records(file: Path) -> Iterator[Record]:
    """Yield the rows, each with its fields as they are written.

    Raises:
        InputError: the file is not UTF-8, or its quotes do not match.
    """
    delimiter = ""
    pending, start = "", 0
    for number, line in lines(file):
        delimiter = delimiter or max(DELIMITERS, key=line.count)
        if not pending:
            start = number
        pending += line
        if len(pending) > LONGEST_RECORD:
            raise InputError(f"{file} line {start}: a row of over {LONGEST_RECORD:,} characters; check the quotes")
        # Within quotes a line without one cannot end the row.
        record = _record(file, start, pending, delimiter) if pending is line or '"' in line else None
        if record is not None:
            yield record
            pending = ""
    if pending:
        raise InputError(f"{file} line {start}: a quote is opened and never closed")


def _record(file: Path, line: int, text: str, delimiter: str) -> Record | None:
    """Split a row, or return None where a quoted field goes on in the next line."""
    plain = re.compile(f"[^{delimiter}\r\n]*")
    fields: list[str] = []
    at = 1 if text.startswith("\ufeff") else 0
    while True:
        if text.startswith('"', at):
            end = _closing(text, at + 1) + 1
            if end == 0:
                return None
        else:
            end = plain.match(text, at).end()  # type: ignore[union-attr] # it matches nothing at least
        fields.append(text[at:end] if fields else text[:end])
        if not text.startswith(delimiter, end):
            break
        at = end + 1
    if text[end:] not in LINE_ENDS:
        raise InputError(
            f"{file} line {line}: broken CSV (field {len(fields)} goes on after its end); double the quotes inside "
            "quotes, and end lines with a line feed"
        )
    return Record(line, tuple(fields), text[end:], delimiter)


def _closing(text: str, at: int) -> int:
    """Return where the quote is that closes the field, or -1."""
    while (at := text.find('"', at)) >= 0 and text.startswith('"', at + 1):
        at += 2
    return at


def value(field: str) -> str:
    """Return what a field as written says."""
    return field[1:-1].replace('""', '"') if field.startswith('"') else field


def _masked(field: str, column: str, masker: Masker, tally: Tally) -> str:
    masked = tally.mask(masker, column, value(field))
    if not masked.edits:
        return field
    return '"' + masked.text.replace('"', '""') + '"' if field.startswith('"') else masked.text


def _chosen(file: Path, names: list[str], columns: tuple[str, ...], masker: Masker) -> dict[int, str]:
    """Return the columns to mask, by their place.

    A file without a header would give its first row away here, so that is looked at before any message names a column.
    """
    if any(masker.mask(name).edits for name in names):
        raise InputError(f"{file}: personal data in the first line, which must name the columns; add a header")
    if not columns:
        return {at: name for at, name in enumerate(names) if name not in KEPT_COLUMNS}
    wanted = [column.strip().lower() for column in columns]
    missing = [column for column in wanted if column not in names]
    if missing:
        raise InputError(f"{file}: no column {missing[0]!r}; it has {', '.join(names)}")
    return {at: name for at, name in enumerate(names) if name in wanted}
