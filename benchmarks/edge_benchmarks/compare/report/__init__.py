"""A comparison's report: terminal, JSON, Markdown for a pull request, JUnit XML for CI, one HTML page.

To add a form: write a module with a `Renderer`, add it to `FORMS`, and test it beside the others.
"""

from __future__ import annotations

from edge_benchmarks.report.forms import Forms
from edge_benchmarks.report.interface import Document

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

_FORMS = Forms(FORMS, SUFFIXES)
render, check_outputs, write_outputs = _FORMS.render, _FORMS.check, _FORMS.write

__all__ = ["FORMS", "SUFFIXES", "Document", "check_outputs", "render", "write_outputs"]
