"""For github-action-benchmark: `customSmallerIsBetter`, and what is better when larger in a second file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from edge_benchmarks.measurements import METRICS, Measurement

BIGGER = "-bigger-is-better"
"""Before the suffix of the second file, which wants `tool: customBiggerIsBetter`."""


def export(measurements: Sequence[Measurement]) -> dict[str, str]:
    """Return the texts of one file or two; see https://github.com/benchmark-action/github-action-benchmark."""
    resolved = [one for one in measurements if one.value is not None]
    smaller = [_entry(one) for one in resolved if METRICS[one.metric].lower_is_better]
    bigger = [_entry(one) for one in resolved if not METRICS[one.metric].lower_is_better]
    return {"": _text(smaller)} | ({BIGGER: _text(bigger)} if bigger else {})


def _entry(one: Measurement) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": one.key, "unit": METRICS[one.metric].unit, "value": one.value}
    if one.low is not None and one.high is not None and one.low != one.high:
        entry["range"] = f"{one.low:.6g} to {one.high:.6g}"
    return entry | {"extra": f"n = {one.n}"}


def _text(entries: Sequence[dict[str, Any]]) -> str:
    return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"
