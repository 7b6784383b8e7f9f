"""The flat list of numbers that every report holds: what is compared, gated, drawn over time and exported."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edge_runtime.errors import InputError


@dataclass(frozen=True)
class Metric:
    """What a kind of number means."""

    title: str
    unit: str
    """`ms`, `bytes`, `1/s` or `share`."""
    lower_is_better: bool = True
    timed: bool = True
    """Whether it varies with the machine's load, so that two runs of the same bytes differ."""


METRICS = {
    "latency_p50": Metric("median latency, input to answer", "ms"),
    "latency_p90": Metric("p90 latency, input to answer", "ms"),
    "latency_p99": Metric("p99 latency, input to answer", "ms"),
    "model_latency_p50": Metric("median latency, model alone", "ms"),
    "model_latency_p90": Metric("p90 latency, model alone", "ms"),
    "model_latency_p99": Metric("p99 latency, model alone", "ms"),
    "throughput": Metric("throughput", "1/s", lower_is_better=False),
    "first_label": Metric("process start to first answer, median", "ms"),
    "peak_rss": Metric("peak resident memory", "bytes"),
    "steady_rss": Metric("steady resident memory", "bytes"),
    "bundle_size": Metric("bundle", "bytes", timed=False),
    "variant_size": Metric("model file", "bytes", timed=False),
    "runtime_size": Metric("installed runtime", "bytes", timed=False),
    "accuracy": Metric("accuracy", "share", lower_is_better=False, timed=False),
}
"""Every metric by name; a report has no other."""


@dataclass(frozen=True)
class Measurement:
    """One number of one variant in one scenario."""

    bundle: str
    """The bundle's name, not its file's: what stays the same from one version to the next."""
    variant: str
    scenario: str
    """With what it was asked for: `single-stream`, `offline/batch=8`, `by-length/tokens=32`, `server/qps=50`,
    `idle-gap/1s`."""
    metric: str
    """One of `METRICS`."""
    value: float | None
    """In the metric's unit; None where the samples did not resolve it."""
    low: float | None
    """Ends of the 95 % interval; None where there is none. A number that is exact has both ends equal to it."""
    high: float | None
    n: int
    """Samples: calls, batches, processes, items."""

    @property
    def key(self) -> str:
        """Its name in a gate, a history and an export: the same number of another build has the same one."""
        return f"{self.bundle}/{self.variant}/{self.scenario}/{self.metric}"

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dictionary; JSON has no infinity, so a bound that is infinite becomes null."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }


def read_measurement(document: Mapping[str, Any], where: str) -> Measurement:
    """Read what `Measurement.to_dict` gave.

    Args:
        document: One entry of a report's `measurements`.
        where: What an error calls it.

    Raises:
        InputError: a field is missing, or the metric is none of `METRICS`.
    """
    try:
        found = Measurement(**{name: document[name] for name in Measurement.__dataclass_fields__})
    except KeyError as error:
        raise InputError(f"{where}: no field {error.args[0]!r}; write the report again with `edge bench`") from error
    if found.metric not in METRICS:
        raise InputError(f"{where}: no metric {found.metric!r}; this version knows {', '.join(METRICS)}")
    return found
