"""The document itself, with its raw samples."""

from __future__ import annotations

import json

from edge_benchmarks.report.interface import Document


def render(document: Document) -> str:
    """Return one JSON document on one line; every number in it is finite."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"
