"""Reports on disk: the name decides the form, and a file is replaced in one step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edge_benchmarks.report import SUFFIXES, render
from edge_benchmarks.report.interface import Document
from edge_runtime.errors import InputError


def check_outputs(paths: Sequence[Path]) -> None:
    """Refuse names that could not be written, before minutes are spent on measuring.

    Raises:
        InputError: the form is not known from the name, or the folder does not exist.
    """
    for path in paths:
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(f"{path}: no report form has the suffix {path.suffix!r}; use {', '.join(SUFFIXES)}")
        if not path.absolute().parent.is_dir():
            raise InputError(f"{path}: the folder {path.absolute().parent} does not exist; create it")


def write_outputs(document: Document, paths: Sequence[Path]) -> None:
    """Write the document in the form that each name asks for.

    Raises:
        InputError: the disk refused.
    """
    for path in paths:
        text = render(document, SUFFIXES[path.suffix.lower()])
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(path)
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror}); choose another folder") from error
        finally:
            temporary.unlink(missing_ok=True)
