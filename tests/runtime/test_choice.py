"""The variant that runs: the fastest proven on this kind of CPU, and one warning about what nobody measured here."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import edge_runtime
from edge_runtime import choice
from edge_runtime.cpus import cpu_name, instruction_set
from edge_runtime.errors import EdgeWarning
from edge_runtime.golden import selftest

HERE, ELSEWHERE = instruction_set(), "sparc-vis"


@pytest.fixture(autouse=True)
def silence_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "_said", set())


def proof(
    times: dict[str, float], *, on: str = HERE, cpu: str = "another", selftest: bool | None = True, high: float = 0.9
) -> bytes:
    """An evidence file with `cpu-fp32` as the baseline."""
    timings = [
        {"variant": name, "p50_ms": time, "threads": 1}
        | (
            {"baseline": None, "ratio": None}
            if name == "cpu-fp32"
            else {"baseline": "cpu-fp32", "ratio": {"estimate": 0.5, "low": 0.4, "high": high}}
        )
        for name, time in times.items()
    ]
    machine = {"instruction_set": on, "cpu": cpu, "onnxruntime": "1.22.1"}
    return json.dumps(
        {"schema": 1, "kind": "prove", "machine": machine, "selftest": selftest, "timings": timings, "report": None}
    ).encode()


@pytest.fixture
def bundle(make_draft: Any) -> Callable[..., bytes]:
    """Makes a bundle of `cpu-int8` and `cpu-fp32`, in this order, with evidence."""

    def make(*files: bytes, **changes: Any) -> bytes:
        draft = make_draft()
        for at, data in enumerate(files):
            draft.files[f"evidence/{at}.json"] = data
        draft.extra["evidence"] = tuple(f"evidence/{at}.json" for at in range(len(files)))
        draft.variants = [replace(item, **changes) for item in draft.variants]
        archive: bytes = draft.archive()
        return archive

    return make


INT8_WINS, FP32_WINS = {"cpu-int8": 1.0, "cpu-fp32": 2.0}, {"cpu-int8": 3.0, "cpu-fp32": 2.0}


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        ([proof(FP32_WINS)], "cpu-fp32"),
        ([proof(INT8_WINS)], "cpu-int8"),
        # Faster on the median, yet not proven to be.
        ([proof(INT8_WINS, high=1.01)], "cpu-fp32"),
        # The same CPU counts more than the same kind of CPU, then the later file.
        ([proof(FP32_WINS, cpu=cpu_name()), proof(INT8_WINS)], "cpu-fp32"),
        ([proof(INT8_WINS), proof(FP32_WINS)], "cpu-fp32"),
        ([proof(FP32_WINS), proof(INT8_WINS, selftest=False)], "cpu-fp32"),
        ([proof(FP32_WINS), proof({}), proof(INT8_WINS, on=ELSEWHERE)], "cpu-fp32"),
        ([], "cpu-int8"),
    ],
)
def test_the_fastest_one_proven_on_this_kind_of_cpu_runs(bundle: Any, files: list[bytes], chosen: str) -> None:
    assert edge_runtime.load(bundle(*files)).variant.name == chosen


def test_what_was_timed_elsewhere_runs_in_the_manifests_order_and_says_so_once(bundle: Any) -> None:
    data = bundle(proof(FP32_WINS, on=ELSEWHERE))
    with pytest.warns(EdgeWarning, match=f"not timed on {HERE}, so cpu-int8 runs"):
        assert edge_runtime.load(data).variant.name == "cpu-int8"
    edge_runtime.load(data)  # a second warning would be an error


def test_evidence_is_not_read_where_it_decides_nothing(bundle: Any) -> None:
    broken = bundle(b"not evidence", verified_on=(HERE,))
    assert edge_runtime.load(broken, variant="cpu-fp32").variant.name == "cpu-fp32"
    with pytest.raises(edge_runtime.SchemaError, match=r"evidence/0\.json"):
        edge_runtime.load(broken)


def test_a_cpu_or_an_onnxruntime_that_nobody_verified_is_told_once(bundle: Any) -> None:
    data = bundle(verified_on=(ELSEWHERE,), onnxruntime_min="999.1")
    with pytest.warns(EdgeWarning) as given:
        edge_runtime.load(data)
    texts = [str(one.message) for one in given]
    assert len(texts) == 2
    assert "older than 999.1" in texts[0] and f"not verified on {HERE}; run `edge verify`" in texts[1]
    edge_runtime.load(data)


@pytest.mark.parametrize(("least", "chosen"), [("", "cpu-fp32"), ("0.9", "cpu-fp32"), ("999.2", "cpu-int8")])
def test_a_variant_for_a_newer_onnxruntime_leaves_its_place_to_one_that_was_seen_to_load(
    make_draft: Any, least: str, chosen: str
) -> None:
    draft = make_draft()
    draft.variants = [
        replace(one, onnxruntime_min=at) for one, at in zip(draft.variants, ("999.1", least), strict=True)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EdgeWarning)
        assert edge_runtime.load(draft.archive()).variant.name == chosen


@pytest.mark.parametrize("passed", [True, False])
def test_a_self_test_in_the_evidence_verifies(bundle: Any, passed: bool) -> None:
    data = bundle(proof({}, selftest=passed), verified_on=(ELSEWHERE,), onnxruntime_min="1.22.0")
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        edge_runtime.load(data, variant="cpu-fp32")
    assert bool(given) is not passed


def test_a_self_test_asks_for_no_self_test(bundle: Any) -> None:
    assert selftest(bundle(verified_on=(ELSEWHERE,))).passed
