"""Documents of comparisons and benchmarks, made without a clock."""

import json
from typing import Any

import pytest

from edge_benchmarks.bench.document import BENCH_SCHEMA
from edge_benchmarks.compare.stored import Stored, read_stored
from edge_benchmarks.measurements import Measurement

IDENTITY = {
    "cpu": "Cortex-A76", "architecture": "aarch64", "instruction_set": "aarch64-dotprod", "flags": ["asimddp"],
    "cores_physical": 4, "cores_logical": 4, "affinity": 4, "cgroup_cpus": None, "gpus": [], "board": "Raspberry Pi 5",
    "os": "Linux", "memory_bytes": 8_000_000_000, "os_release": "Debian 12",
}  # fmt: skip
VALUES = {
    "single-stream/latency_p50": 5.0,
    "single-stream/latency_p99": 9.0,
    "cold-start/first_label": 150.0,
    "cold-start/peak_rss": 7e7,
    "static/bundle_size": 357_000.0,
}


def bench_document(values: dict[str, float | None], **changes: Any) -> dict[str, Any]:
    """A report of `edge bench`, as far as a comparison reads it."""
    found = []
    for name, value in values.items():
        scenario, metric = name.split("/")
        width = 0.0 if scenario == "static" or value is None else 0.001 * value
        ends = (None, None) if value is None else (value - width, value + width)
        found.append(Measurement("insects", "cpu-int8", scenario, metric, value, *ends, 1000).to_dict())
    variant = {"name": "insects", "version": "1", "content_id": "sha256:aa", "variant": "cpu-int8"}
    return {
        "schema": BENCH_SCHEMA, "kind": "bench", "partial": False, "valid": True, "problems": [],
        "measurements": found, "variants": [variant],
        "environment": {"identity": dict(IDENTITY), "versions": {"python": "3.11.7", "onnxruntime": "1.32.0"}},
        "settings": {"device": "cpu", "threads": 1, "inputs": [{"sha256": "1"}]},
    } | changes  # fmt: skip


@pytest.fixture
def values() -> dict[str, float | None]:
    return dict(VALUES)


@pytest.fixture
def document():
    """Makes a report of `edge bench`."""
    return bench_document


@pytest.fixture
def store(tmp_path):
    """Writes a document and reads it as a comparison does."""
    made = []

    def make(document: Any) -> Stored:
        made.append(tmp_path / f"{len(made)}.json")
        made[-1].write_text(json.dumps(document))
        return read_stored(made[-1])

    return make


@pytest.fixture
def calibration() -> dict[str, Any]:
    """A runner that drifts by 2 % between runs."""
    drift = {"sd": 0.02, "df": 19.0, "runs": 20}
    return {
        "runs": 20,
        "false_alarms": {"count": 0, "low": 0.0, "high": 0.16},
        "inconclusive": {"count": 1, "low": 0.0, "high": 0.2},
        "smallest_found": {"latency_p50": 0.05, "first_label": None},
        "between_runs": dict.fromkeys(
            ["single-stream/latency_p50", "cold-start/first_label", "cold-start/peak_rss"], drift
        ),
        "elsewhere": [],
    }
