"""The record that a data set was scrubbed: a file beside it that holds while the data stay as they were written."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edge_runtime.errors import InputError

SCHEMA = 1
RECORD_SUFFIX = ".scrub.json"


@dataclass(frozen=True)
class ScrubRecord:
    """What was done to a data set; it holds counts and never a value, a name or an expression."""

    kinds: tuple[str, ...]
    """Kinds of personal data that were looked for."""
    columns: tuple[str, ...]
    """Columns that were named; empty where all but the labels were searched."""
    regions: tuple[str, ...]
    """Whose national telephone numbers were looked for."""
    names: int
    """Names in the list that was given."""
    patterns: int
    """Expressions that were given."""
    items: int
    """Rows, lines or files."""
    changed: int
    """Items in which something was masked."""
    counts: dict[str, dict[str, int]]
    """Column to kind to how often it was found."""
    merged_spans: int
    """Entities that were taken in by another one in the same mask."""
    version: str
    """Of edge-toolchain."""
    sha256: str
    """Of the file that was written; for a folder, of its files' hashes and paths in order."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as a JSON-ready dictionary."""
        document = asdict(self) | {name: list(getattr(self, name)) for name in ("kinds", "columns", "regions")}
        return {"kind": "scrub", "schema": SCHEMA} | document


def record_path(data: Path) -> Path:
    """Return where the record of `data` is kept."""
    resolved = data.absolute()
    return resolved.with_name(resolved.name + RECORD_SUFFIX)


def read_scrub_record(data: Path | str) -> ScrubRecord | None:
    """Return the record of a data set, or None where it has none or has changed since it was scrubbed.

    Args:
        data: What `edge scrub` wrote, a file or a folder.

    Raises:
        InputError: there is a record but it is damaged, or the data cannot be read.
    """
    path = record_path(Path(data))
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.pop("kind") != "scrub" or document.pop("schema") != SCHEMA:
            raise ValueError("another schema")
        document |= {name: tuple(document[name]) for name in ("kinds", "columns", "regions")}
        record = ScrubRecord(**document)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path}: no record of edge scrub ({error}); remove it, or scrub the data again") from error
    return record if fingerprint(Path(data)) == record.sha256 else None


def fingerprint(data: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's visible files with their paths.

    Raises:
        InputError: it cannot be read.
    """
    try:
        if not data.is_dir():
            return file_hash(data)
        return folder_hash((str(file.relative_to(data).as_posix()), file_hash(file)) for file in visible_files(data))
    except OSError as error:
        raise InputError(f"{data}: cannot be read ({error.strerror or error}); check permissions") from error


def visible_files(folder: Path) -> list[Path]:
    """Return the regular files below `folder`, in order, but for hidden ones and links."""
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not path.is_symlink() and not any(part.startswith(".") for part in parts):
            found.append(path)
    return found


def file_hash(file: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def folder_hash(files: Iterable[tuple[str, str]]) -> str:
    """Return the SHA-256 of paths and hashes, written as `sha256sum` writes them."""
    listing = "".join(f"{digest}  {path}\n" for path, digest in sorted(files))
    return hashlib.sha256(listing.encode()).hexdigest()
