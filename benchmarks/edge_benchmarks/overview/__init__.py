"""The report over many results: the fleet matrix and the history, as a table, JSON, Markdown or one HTML page.

To add a form: write a module with a `Renderer`, add it to `FORMS`, and test it beside the others.
"""

from __future__ import annotations

from edge_benchmarks.report.forms import Forms
from edge_benchmarks.report.interface import Document

FORMS = {
    "terminal": "edge_benchmarks.overview.terminal",
    "json": "edge_benchmarks.report.json_",
    "markdown": "edge_benchmarks.overview.markdown",
    "html": "edge_benchmarks.overview.html",
}
"""Name to module; imported when used."""

SUFFIXES = {".json": "json", ".md": "markdown", ".html": "html", ".txt": "terminal"}
"""The form that a file's name asks for."""

_FORMS = Forms(FORMS, SUFFIXES)
render, check_outputs, write_outputs = _FORMS.render, _FORMS.check, _FORMS.write

__all__ = ["FORMS", "SUFFIXES", "Document", "check_outputs", "render", "write_outputs"]
