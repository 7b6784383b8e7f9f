"""The report of an export that was refused before anything could be measured."""

from typing import Any

from edge_benchmarks.report.page import Headline, render_page
from edge_export.config import ExportConfig, Outcome
from edge_export.report.document import REPORT_SCHEMA


def refusal_report(name: str, config: ExportConfig, reason: str) -> tuple[dict[str, Any], str]:
    """Return the JSON document and the page that say why there is nothing to measure.

    Args:
        name: Of the target that was not written.
        config: What was asked for.
        reason: One sentence.
    """
    document = {
        "schema": REPORT_SCHEMA,
        "kind": "export",
        "outcome": Outcome.REFUSED.value,
        "reason": reason,
        "shipped": [],
        "quantize": config.quantize,
        "rows": [],
        "content_id": None,
        "bundle": None,
    }
    return document, render_page(name, [], headline=Headline("refused", reason, "bad", "nothing shipped"))
