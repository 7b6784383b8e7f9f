"""The self-test passes on an honest bundle and catches each planted fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import edge_runtime
from edge_runtime.errors import SchemaError, SelfTestError
from edge_runtime.golden import selftest
from edge_runtime.manifest import Unknown


def test_an_honest_bundle_passes(archive: Path) -> None:
    report = selftest(archive)
    assert report.passed and report.failures == () and report.cases == 6
    assert report.variants == ("cpu-int8", "cpu-fp32")
    assert report.seconds > 0
    report.raise_for_failures()
    assert selftest(edge_runtime.load(archive)).cases == 3


def _wrong_kernel(draft: Any) -> None:
    draft.contract = replace(draft.contract, resize=replace(draft.contract.resize, kernel="bilinear"))


def _swapped_colors(draft: Any) -> None:
    draft.contract = replace(draft.contract, color="bgr", mean=draft.contract.mean, std=draft.contract.std)


def _wrong_mean(draft: Any) -> None:
    draft.contract = replace(draft.contract, mean=(0.485, 0.456, 0.4060001))


def _shifted_labels(draft: Any) -> None:
    draft.labels = (*draft.labels[1:], draft.labels[0])


def _transposed_layout(draft: Any) -> None:
    """The graph reads rows for columns."""
    model = onnx.load_from_string(draft.files["models/cpu-fp32.onnx"])
    model.graph.node.insert(0, onnx.helper.make_node("Transpose", ["image"], ["turned"], perm=[0, 1, 3, 2]))
    model.graph.node[1].input[0] = "turned"
    draft.files["models/cpu-fp32.onnx"] = model.SerializeToString()


def _wrong_variant(draft: Any) -> None:
    draft.files["models/cpu-fp32.onnx"] = draft.files["models/cpu-int8.onnx"]


def _quantized_product(clamped: bool) -> bytes:
    """An int8 product of the whole image, summed in pairs that a CPU without VNNI clamps to 16 bits (VPMADDUBSW)."""
    random = np.random.default_rng(5)
    pairs = 3 * 24 * 24 // 2
    weight = random.integers(-127, 128, (1, pairs, 2, 5)).astype(np.float32)
    constants = {
        "w": weight,
        "shape": np.array([-1, pairs, 2, 1]),
        "step": np.float32(1 / 100),
        "zero": np.uint8(128),
        "one": np.float32(1),
        "pair": np.array([2]),
        "rest": np.array([1]),
        "low": np.float32(-(2**15) if clamped else -(2**30)),
        "high": np.float32(2**15 - 1 if clamped else 2**30),
        "scale": np.float32(1e-5),
        "blank": np.uint8(0),
    }
    make = onnx.helper.make_node
    nodes = [
        make("QuantizeLinear", ["image", "step", "zero"], ["q"]),
        make("DequantizeLinear", ["q", "one", "blank"], ["x"]),
        make("Reshape", ["x", "shape"], ["r"]),
        make("Mul", ["r", "w"], ["products"]),
        make("ReduceSum", ["products", "pair"], ["sums"], keepdims=0),
        make("Clip", ["sums", "low", "high"], ["kept"]),
        make("ReduceSum", ["kept", "rest"], ["total"], keepdims=0),
        make("Mul", ["total", "scale"], ["logits"]),
    ]
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "product",
        [value("image", onnx.TensorProto.FLOAT, ["n", 3, 24, 24])],
        [value("logits", onnx.TensorProto.FLOAT, ["n", 5])],
        [onnx.numpy_helper.from_array(np.asarray(data), name) for name, data in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def test_a_kernel_that_saturates_is_caught(make_draft: Any) -> None:
    draft = make_draft()
    draft.files["models/cpu-int8.onnx"] = _quantized_product(clamped=False)
    draft.add_golden()
    assert selftest(draft.archive()).passed
    draft.files["models/cpu-int8.onnx"] = _quantized_product(clamped=True)
    failures = selftest(draft.archive()).failures
    assert sum("infer: logits differ" in one for one in failures) == 3
    assert all(one.startswith("cpu-int8") for one in failures)


def _wrong_temperature(draft: Any) -> None:
    draft.variants = [replace(item, unknown=Unknown(1.001, 0.0, 0.9)) for item in draft.variants]


FAULTS: dict[str, tuple[Callable[[Any], None], str]] = {
    "wrong kernel": (_wrong_kernel, "the tensor differs"),
    "swapped colors": (_swapped_colors, "the tensor differs"),
    "wrong mean": (_wrong_mean, "the tensor differs"),
    "shifted labels": (_shifted_labels, "postprocess: label"),
    "transposed layout": (_transposed_layout, "infer: logits differ"),
    "wrong variant": (_wrong_variant, "infer: logits differ"),
    "wrong temperature": (_wrong_temperature, "postprocess: score"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(make_draft: Any, fault: str) -> None:
    draft = make_draft()
    golden = draft.files["golden/golden.json"]
    plant, symptom = FAULTS[fault]
    plant(draft)
    assert draft.files["golden/golden.json"] is golden
    report = selftest(draft.archive())
    assert not report.passed
    assert any(symptom in failure and failure.startswith("cpu-fp32, golden/") for failure in report.failures)
    with pytest.raises(SelfTestError, match="do not use this bundle"):
        report.raise_for_failures()


def test_a_logit_off_by_one_bit_fails_only_the_exact_variant(make_draft: Any, make_variant: Any) -> None:
    draft = make_draft()
    golden = json.loads(draft.files["golden/golden.json"])
    for case in golden["cases"]:
        for logits in case["logits"].values():
            logits[0] *= 1 + 2**-23
    draft.files["golden/golden.json"] = json.dumps(golden).encode()
    failures = selftest(draft.archive()).failures
    assert failures and all(failure.startswith("cpu-fp32") for failure in failures)


def test_golden_vectors_are_read_strictly(make_draft: Any) -> None:
    for golden in ({}, {"schema": 2, "cases": []}, {"schema": 1, "cases": []}, {"schema": 1, "cases": [{"input": 1}]}):
        draft = make_draft()
        draft.files["golden/golden.json"] = json.dumps(golden).encode()
        with pytest.raises(SchemaError, match="golden"):
            selftest(draft.archive())


def test_a_missing_golden_answer_fails(make_draft: Any) -> None:
    draft = make_draft()
    golden = json.loads(draft.files["golden/golden.json"])
    del golden["cases"][0]["logits"]["cpu-int8"]
    draft.files["golden/golden.json"] = json.dumps(golden).encode()
    assert "no golden answer" in selftest(draft.archive()).failures[0]
