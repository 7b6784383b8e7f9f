"""Every exporter's graph answers as the network, and the fastest is kept."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edge_export import exporter_race
from edge_export.capture import Captured
from edge_export.capture.exporters import EXPORTERS, FIRST, rivals
from edge_export.capture.parity import check_parity
from edge_export.capture.torch_module import eager
from edge_export.config import ExportConfig
from edge_export.exporter_race import race
from edge_export.inputs import parity_batches
from edge_export.text_networks import HeadFields, as_network
from edge_runtime.errors import MachineError
from edge_runtime.preprocessing import TextPreprocessing

transformers = pytest.importorskip("transformers", reason='needs transformers: pip install "edge-toolchain[text]"')


def network(folder: Path, kind: Any) -> tuple[Any, TextPreprocessing]:
    encoder = transformers.AutoModel.from_pretrained(folder)
    contract = TextPreprocessing("0" * 64, encoder.config.vocab_size, 0, 48)
    return as_network(encoder, 0, HeadFields(kind, 3, "mean")).eval(), contract


@pytest.mark.parametrize("kind", ["classify", "tag"])
@pytest.mark.parametrize("name", EXPORTERS)
def test_parity_at_every_batch_and_length(tiny_encoder: Path, name: str, kind: str) -> None:
    if name != FIRST:
        pytest.importorskip("optimum.exporters.onnx", reason="needs optimum-onnx: pip install optimum-onnx==0.1.0")
    module, contract = network(tiny_encoder, kind)
    graph = EXPORTERS[name](module, contract)
    check_parity(graph, eager(module), parity_batches(contract))
    kinds = [node.op_type for node in graph.graph.node]
    assert kinds.count({FIRST: "Attention", "optimum": "Softmax", "optimum, fused": "MultiHeadAttention"}[name]) == 2
    assert [graph.graph.input[0].name, graph.graph.output[0].name] == ["input", "logits"]


def captured_with(folder: Path, **others: Any) -> Captured:
    module, contract = network(folder, "classify")
    graph, reference = EXPORTERS[FIRST](module, contract), eager(module)
    parity = check_parity(graph, reference, parity_batches(contract))
    return Captured(graph, reference, parity, ("a", "b", "c"), "text-classification", contract, {}, rivals=others)


def test_the_fastest_is_kept_and_who_cannot_run_is_named(tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> onnx.ModelProto:
        raise MachineError("optimum-onnx is missing")

    first = captured_with(tiny_encoder)
    source = replace(first, rivals={"same": lambda: first.model, "absent": absent})
    inputs = [np.full((1, 8), 5)]
    monkeypatch.setattr(exporter_race, "SECONDS", 0.1)
    for ratio, kept in ((0.5, "same"), (2.0, FIRST)):
        timed = {FIRST: 1.0, "same": ratio}
        monkeypatch.setattr(exporter_race, "time_models", lambda arms, *_, timed=timed, **__: Fixed(timed))
        found, result = race(source, ExportConfig(quantize="int8"), inputs)
        assert result.kept == kept == found.provenance["exporter"]
        assert result.failed == {"absent": "optimum-onnx is missing"} and "absent did not take part" in result.note
    assert race(source, ExportConfig(search_time=0), inputs) == (source, exporter_race.Race())
    assert set(rivals(*network(tiny_encoder, "tag"))) == set(EXPORTERS) - {FIRST}


class Fixed:
    """Timings that are what they are told to be."""

    def __init__(self, times: dict[str, float]) -> None:
        self.samples_ns = {name: np.array([time]) for name, time in times.items()}

    def ratio(self, arm: str, against: str) -> Any:
        from edge_benchmarks.verdicts import Interval

        found = float(self.samples_ns[arm][0] / self.samples_ns[against][0])
        return Interval(found, found - 0.01, found + 0.01, 0.95)
