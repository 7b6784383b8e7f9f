"""What every report form is: a function from the JSON document to text, so that stored results can be shown again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

Document = Mapping[str, Any]
"""`BenchReport.to_dict()`, fresh or read from a file."""


class Renderer(Protocol):
    """One report form."""

    def __call__(self, document: Document) -> str:
        """Return the whole report as text."""
        ...
