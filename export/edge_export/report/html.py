"""The export report as one self-contained page."""

from typing import Any

from edge_benchmarks.accuracy import Answers
from edge_export.capture import Captured


def render_html(document: dict[str, Any], captured: Captured, test: Answers) -> str:
    """Render the report with the pictures whose answer changed."""
    return "<html></html>"
