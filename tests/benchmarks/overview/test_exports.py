"""Exports keep to the formats that the services publish."""

import json

import jsonschema
import pytest

from edge_benchmarks.cli import edge_bench
from edge_benchmarks.cli.boundary import run_command
from edge_benchmarks.exports import EXPORTS
from edge_benchmarks.measurements import METRICS, Measurement
from edge_runtime.errors import ExitCode

BENCHER = {
    "$schema": "http://json-schema.org/draft-07/schema",
    "type": "object",
    "patternProperties": {
        ".+": {
            "type": "object",
            "patternProperties": {
                ".+": {
                    "type": "object",
                    "properties": {
                        "value": {"type": "number"},
                        "lower_value": {"type": "number"},
                        "upper_value": {"type": "number"},
                    },
                    "required": ["value"],
                }
            },
        }
    },
}
"""As https://bencher.dev/docs/reference/bencher-metric-format gives it."""

CUSTOM = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "unit": {"type": "string"},
            "value": {"type": "number"},
            "range": {"type": "string"},
            "extra": {"type": "string"},
        },
        "required": ["name", "unit", "value"],
        "additionalProperties": False,
    },
}
"""What github-action-benchmark's README says of `customSmallerIsBetter` and `customBiggerIsBetter`."""

MEASURED = [
    Measurement("insects", "cpu-int8", "single-stream", "latency_p50", 2.0, 1.9, 2.1, 400),
    Measurement("insects", "cpu-int8", "single-stream", "latency_p99", None, None, None, 400),
    Measurement("insects", "cpu-int8", "offline/batch=8", "throughput", 900.0, 880.0, None, 40),
    Measurement("insects", "cpu-int8", "static", "variant_size", 3570.0, 3570.0, 3570.0, 1),
    Measurement("insects", "cpu-int8", "static", "accuracy", 0.91, 0.90, 0.92, 1000),
]


def test_bencher():
    (text,) = EXPORTS["bencher"](MEASURED).values()
    document = json.loads(text)
    jsonschema.validate(document, BENCHER)
    assert document["insects/cpu-int8/single-stream"] == {
        "latency-p50": {"value": 2.0, "lower_value": 1.9, "upper_value": 2.1}
    }
    assert document["insects/cpu-int8/offline/batch=8"]["throughput"] == {"value": 900.0}
    assert max(map(len, document)) <= 1024 and all(len(slug) <= 64 for one in document.values() for slug in one)


def test_github_action_benchmark_has_a_file_for_each_direction():
    texts = {tail: json.loads(text) for tail, text in EXPORTS["github-action-benchmark"](MEASURED).items()}
    for entries in texts.values():
        jsonschema.validate(entries, CUSTOM)
    smaller, bigger = ({entry["name"].split("/")[-1] for entry in texts[tail]} for tail in ("", "-bigger-is-better"))
    assert smaller == {"latency_p50", "variant_size"} and bigger == {"throughput", "accuracy"}
    assert texts[""][0] == {
        "name": "insects/cpu-int8/single-stream/latency_p50", "unit": "ms", "value": 2.0, "range": "1.9 to 2.1",
        "extra": "n = 400",
    }  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_a_real_report_is_exported_whole(name, document, tmp_path):
    path, out = tmp_path / "bench.json", tmp_path / "out.json"
    path.write_text(json.dumps(document))
    code = run_command(edge_bench, ["report", str(path), "--export", name, str(out)])
    assert code in (ExitCode.OK, ExitCode.REFUSED, ExitCode.INCONCLUSIVE, ExitCode.INVALID)
    texts = [file.read_text() for file in tmp_path.glob("out*.json")]
    resolved = [one for one in document["measurements"] if one["value"] is not None]
    assert resolved and all(one["metric"] in METRICS for one in resolved)
    written = json.loads(out.read_text())
    jsonschema.validate(written, BENCHER if name == "bencher" else CUSTOM)
    assert sum(text.count('"value":') for text in texts) == len(resolved)


def test_a_service_that_is_not_known_is_a_usage_error(tmp_path):
    assert run_command(edge_bench, ["report", "x.json", "--export", "grafana", str(tmp_path / "x")]) == ExitCode.USAGE
