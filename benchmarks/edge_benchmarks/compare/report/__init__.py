"""A comparison's report: terminal, JSON, Markdown for a pull request, JUnit XML for CI, one HTML page.

To add a form: write a module with a `Renderer`, add it to `FORMS`, and test it beside the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from edge_benchmarks.files import check_target, write_file
from edge_benchmarks.report.interface import Document, Renderer
from edge_runtime.errors import InputError

FORMS = {
    "terminal": "edge_benchmarks.compare.report.terminal",
    "json": "edge_benchmarks.report.json_",
    "markdown": "edge_benchmarks.compare.report.markdown",
    "junit": "edge_benchmarks.compare.report.junit",
    "html": "edge_benchmarks.compare.report.html",
}
"""Name to module; imported when used."""

SUFFIXES = {".json": "json", ".md": "markdown", ".html": "html", ".txt": "terminal", ".xml": "junit"}
"""The form that a file's name asks for."""

__all__ = ["FORMS", "SUFFIXES", "Document", "check_outputs", "render", "write_outputs"]


def render(document: Document, form: str) -> str:
    """Return a comparison's document in one of `FORMS`."""
    renderer: Renderer = import_module(FORMS[form]).render
    return renderer(document)


def check_outputs(paths: Sequence[Path]) -> None:
    """Refuse names that could not be written, before anything is measured.

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
