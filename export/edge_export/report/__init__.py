"""The export report: one JSON document, and one HTML page made from it."""

from edge_export.report.document import build_report
from edge_export.report.html import render_html
from edge_export.report.refusal import refusal_report

__all__ = ["build_report", "refusal_report", "render_html"]
