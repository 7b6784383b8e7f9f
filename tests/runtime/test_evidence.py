"""Evidence is read strictly where it decides something, and not at all where it does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from edge_runtime.errors import SchemaError
from edge_runtime.evidence import Evidence, Machine, Ratio, Timing, read_evidence

GOOD: dict[str, Any] = {
    "schema": 1,
    "kind": "prove",
    "machine": {"instruction_set": "aarch64-dotprod", "cpu": "Cortex-A76", "onnxruntime": "1.22.1"},
    "selftest": True,
    "timings": [
        {"variant": "a", "p50_ms": 2.0, "threads": 4, "baseline": None, "ratio": None},
        {"variant": "b", "p50_ms": 1, "threads": 4, "baseline": "a", "ratio": {"estimate": 0.5, "low": 0.4, "high": 1}},
    ],
    "report": {"anything": [1, {"goes": None}]},
}


def test_it_is_read_into_values() -> None:
    machine = Machine("aarch64-dotprod", "Cortex-A76", "1.22.1")
    timings = (Timing("a", 2.0, 4), Timing("b", 1.0, 4, "a", Ratio(0.5, 0.4, 1.0)))
    evidence = read_evidence(json.dumps(GOOD).encode())
    assert evidence == Evidence("prove", machine, True, timings, GOOD["report"])
    assert [timing.proven for timing in evidence.timings] == [True, False]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"schema": 2}, "e.schema"),
        ({"kind": "rumor"}, "e.kind"),
        ({"extra": 1}, "e.extra"),
        ({"machine": {"cpu": "x"}}, "e.machine"),
        ({"timings": [GOOD["timings"][0] | {"p50_ms": 0}]}, r"e.timings\[0\].p50_ms"),
        ({"timings": [GOOD["timings"][1] | {"ratio": {"estimate": 2, "low": 3, "high": 4}}]}, r"e.timings\[0\].ratio"),
    ],
)
def test_what_breaks_a_rule_is_named(change: dict[str, Any], where: str) -> None:
    with pytest.raises(SchemaError, match=where):
        read_evidence(json.dumps(GOOD | change).encode(), "e")
    with pytest.raises(SchemaError):
        read_evidence(b"[]")
