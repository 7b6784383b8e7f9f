"""The report over many results: the fleet matrix and the history, as a table, JSON, Markdown or one HTML page.

To add a form: write a module with a `Renderer`, add it to `FORMS`, and test it beside the others.
"""

from __future__ import annotations

from importlib import import_module

from edge_benchmarks.report.interface import Document, Renderer

FORMS = {
    "terminal": "edge_benchmarks.overview.terminal",
    "json": "edge_benchmarks.report.json_",
    "markdown": "edge_benchmarks.overview.markdown",
    "html": "edge_benchmarks.overview.html",
}
"""Name to module; imported when used."""

SUFFIXES = {".json": "json", ".md": "markdown", ".html": "html", ".txt": "terminal"}
"""The form that a file's name asks for."""

__all__ = ["FORMS", "SUFFIXES", "Document", "render"]


def render(document: Document, form: str) -> str:
    """Return an overview's document in one of `FORMS`."""
    renderer: Renderer = import_module(FORMS[form]).render
    return renderer(document)
