"""What int8 costs on Fashion-MNIST's 10,000 test images, ours and what peers make of the same network."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from exports import run
from interface import Figure
from numpy.typing import NDArray

from edge_benchmarks.accuracy import judge_accuracy
from edge_benchmarks.statistics import tango_lower_bound, tango_upper_bound
from edge_benchmarks.statistics.proportions import CONFIDENCE
from edge_export.candidates import BASELINE, Candidate, choose_samples, make_baseline
from edge_export.capture import capture
from edge_export.judge import answer
from edge_export.run import read_run
from edge_pipeline.data import open_dataset
from edge_runtime.image import ImagePreprocessor
from quantization.subjects import keep_recipe
from quantization.trained import data, trained

if TYPE_CHECKING:
    import onnx

SAMPLES = 256
MAX_DROP = 0.5
"""Points, the budget that the search and the verdict are given: what was asked for."""
NETWORKS = ("lite0", "mobilenetv3", "resnet18")


def measure(name: str) -> list[Figure]:
    """Export a network, and let ONNX Runtime's defaults and NNCF quantize the same graph."""
    source = trained(name)
    with tempfile.TemporaryDirectory() as folder:
        made = run(
            "export", source, "--quantize", "int8", "--max-drop", MAX_DROP, "-o", Path(folder) / "ours.edge", "--json"
        )["document"]
    verdict, row = made["accuracy"], made["rows"][1]
    recipe = made["search"]["trials"][0]["recipe"]
    keep_recipe(name, recipe)
    how = (
        f"{made['outcome']}; fp32 {100 * made['rows'][0]['top1']:.2f} %, int8 {100 * row['top1']:.2f} %, "
        f"weights {read_run(source).weights_sha256[:12]}, recipe {recipe['name']}, "
        f"{row['coverage']['macs_share']:.0%} of MACs in int8, n = {verdict['n']:,}; {_peers(source)}"
    )
    drop, bound = 100 * verdict["drop"], 100 * verdict["drop_bound"]
    counts, level = (verdict["worse"], verdict["better"], verdict["n"]), 1 - (1 - CONFIDENCE) / 2
    low, high = 100 * tango_lower_bound(*counts, level), 100 * tango_upper_bound(*counts, level)
    return [
        Figure(f"{name}: drop of top-1", drop, low, high, 0.2, "at most", "points", how, of_estimate=True),
        Figure(f"{name}: its 95 % upper bound", bound, None, None, 0.5, "at most", "points", "Tango, one-sided"),
    ]


def _peers(source: Path) -> str:
    """Say what peers' int8 loses on the same test items, calibrated on as many training images."""
    captured = capture(str(source))
    graph, baseline, _ = make_baseline(captured)
    dataset = open_dataset(data(), **dict(read_run(source).data.options))
    chosen = choose_samples(list(dataset.splits["train"]), SAMPLES, 0)
    preprocess = ImagePreprocessor(captured.preprocessing)
    batches = [preprocess(path)[None] for path, _ in chosen]
    found = []
    for name, model in (("ORT defaults", _ort_defaults(graph, batches)), ("NNCF", _nncf(graph, batches))):
        peer = Candidate(name, model, "int8", "cpu", {})
        verdict = judge_accuracy(answer([baseline, peer], captured, dataset.splits["test"]), BASELINE, name)
        found.append(f"{name} {100 * verdict.drop:.2f} (at most {100 * verdict.drop_bound:.2f})")
    return "drop of " + ", ".join(found)


def _ort_defaults(graph: "onnx.ModelProto", batches: list[NDArray[np.float32]]) -> bytes:
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._rest: Iterator[NDArray[np.float32]] = iter(batches)

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self._rest, None)
            return None if batch is None else {graph.graph.input[0].name: batch}

    with tempfile.TemporaryDirectory() as folder:
        plain, quantized = Path(folder) / "plain.onnx", Path(folder) / "quantized.onnx"
        onnx.save(graph, plain)
        quantize_static(str(plain), str(quantized), Reader())
        return quantized.read_bytes()


def _nncf(graph: "onnx.ModelProto", batches: list[NDArray[np.float32]]) -> bytes:
    import nncf

    feed = graph.graph.input[0].name
    dataset = nncf.Dataset(batches, lambda batch: {feed: batch})
    quantized: Any = nncf.quantize(graph, dataset, subset_size=len(batches))
    return bytes(quantized.SerializeToString())
