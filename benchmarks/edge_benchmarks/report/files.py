"""Reports on disk: the name decides the form, and a file is replaced in one step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge_benchmarks.files import check_target, write_file
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
        check_target(path)


def write_outputs(document: Document, paths: Sequence[Path]) -> None:
    """Write the document in the form that each name asks for.

    Raises:
        InputError: the disk refused.
    """
    for path in paths:
        write_file(path, render(document, SUFFIXES[path.suffix.lower()]).encode())


@contextmanager
def saved_meanwhile(paths: Sequence[Path]) -> Iterator[Callable[[Any], None]]:
    """Give what saves a benchmark's partial report while it runs: beside the first output, as `NAME.partial.json`.

    The file goes away when the block ends without an error. A kill that nothing can catch leaves the last one, which is
    a whole document marked partial; so does a bug.
    """
    partial = paths[0].with_name(f"{paths[0].name}.partial.json") if paths else None

    def save(report: Any) -> None:
        if partial is not None:
            write_file(partial, render(report.to_dict(), "json").encode())

    yield save
    if partial is not None:
        partial.unlink(missing_ok=True)
