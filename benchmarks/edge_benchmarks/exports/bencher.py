"""For Bencher: its Metric Format, a benchmark to its measures, each a value with the ends of its interval."""

from __future__ import annotations

import json
from collections.abc import Sequence

from edge_benchmarks.measurements import Measurement


def export(measurements: Sequence[Measurement]) -> dict[str, str]:
    """Return the text of one file; see https://bencher.dev/docs/reference/bencher-metric-format.

    A benchmark is a variant in a scenario. Its measures have our metrics' names, as slugs, and our units: Bencher's own
    `latency` is in nanoseconds and would stand beside ours in another unit.
    """
    document: dict[str, dict[str, dict[str, float]]] = {}
    for one in measurements:
        if one.value is None:
            continue
        metric = {"value": one.value}
        if one.low is not None and one.high is not None:
            metric |= {"lower_value": one.low, "upper_value": one.high}
        name = one.key.removesuffix(f"/{one.metric}")
        document.setdefault(name, {})[one.metric.replace("_", "-")] = metric
    return {"": json.dumps(document, indent=1, ensure_ascii=False) + "\n"}
