"""Ours against other toolchains: latency of one network each, every form of it in one interleaved run.

Peers use their documented flags and none of our passes. One process holds all of them at one thread each, so that no
pool spins beside another. What accuracy costs is in `accuracy.py`; where it was measured, the same weights and the
recipe that the search chose for them are timed here, at 224 pixels.
"""

import copy
import hashlib
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from interface import Figure
from numpy.typing import NDArray
from openvino_arms import OPENVINO, openvino_arms

from edge_benchmarks.timing import InterleavedTimings, interleave
from edge_benchmarks.verdicts import Interval
from quantization.subjects import subject

if TYPE_CHECKING:
    import onnx

    from edge_export.quantize import Recipe

SIDE = 224
SECONDS = 20.0
SAMPLES = 32
Arm = Callable[[], object]

ASKED: dict[str, dict[str, float]] = {
    # Network: the arm or group of arms that ours is held against, and the largest ratio that was asked for.
    "resnet18": {"best of all peers": 1.0},
    "resnet50": {"best of all peers": 1.0},
    "mobilenetv2_100": {"best of OpenVINO": 0.85, "ORT by flags": 1.0},
    "tf_efficientnet_lite0": {"best of OpenVINO": 0.85, "ORT by flags": 1.0},
    "mobilenetv3_large_100": {"best of OpenVINO": 1.15, "ORT fp32": 0.85},
    "efficientnet_b0": {"best of OpenVINO": 1.0, "ORT fp32": 0.82},
}
PEERS = (*OPENVINO, "ORT fp32", "ORT by flags", "ORT defaults", "NNCF", "torch eager")


def measure(network: str) -> list[Figure]:
    """Make every form of a network, time them beside each other, and hold ours against what was asked."""
    arms, made_of = make_arms(network)
    timings = interleave(arms, seconds=SECONDS, warmup_seconds=0.5)
    return [
        _figure(network, timings, against, asked=asked, made_of=made_of) for against, asked in ASKED[network].items()
    ]


def _figure(network: str, timings: InterleavedTimings, against: str, *, asked: float, made_of: str) -> Figure:
    """Hold ours against one arm, or against the quickest of a group of arms."""
    group = {"best of all peers": PEERS, "best of OpenVINO": OPENVINO}.get(against, (against,))
    there = [arm for arm in group if arm in timings.samples_ns]
    best = min(there, key=lambda arm: float(np.median(timings.samples_ns[arm])))
    ratio: Interval = timings.ratio("ours", best)
    milliseconds = ", ".join(f"{arm} {np.median(samples) / 1e6:.2f}" for arm, samples in timings.samples_ns.items())
    how = f"{timings.rounds} rounds, 1 thread, batch 1, {SIDE} px; {made_of}; medians in ms: {milliseconds}"
    title = f"{network}: ours over {against}" + (f" ({best})" if best != against else "")
    return Figure(title, ratio.estimate, ratio.low, ratio.high, asked, "at most", "x", how)


def make_arms(network: str) -> tuple[dict[str, Arm], str]:
    """Return a call for each form of a network, all on one input, and what they are made of, with hashes."""
    import torch

    from edge_export.capture.torch_module import export_module

    torch.set_num_threads(1)
    made = subject(network)
    module = made.module
    source = export_module(copy.deepcopy(module), (3, SIDE, SIDE))
    graph = hashlib.sha256(source.SerializeToString(deterministic=True)).hexdigest()[:12]
    inputs = [
        np.random.default_rng(seed).standard_normal((1, 3, SIDE, SIDE), dtype=np.float32) for seed in range(SAMPLES)
    ]
    batch = inputs[0]

    def eager() -> object:
        with torch.inference_mode():
            return module(torch.from_numpy(batch))

    arms = {
        "torch eager": eager,
        **_onnxruntime(source, inputs),
        **_openvino(source, inputs),
        "ours": _ours(source, inputs, made.recipe),
    }
    tools = ", ".join(f"{name} {version(name)}" for name in ("openvino", "nncf", "torch"))
    return arms, f"{made.weights}, graph {graph}, recipe {made.recipe.name}, {tools}"


def _session(model: bytes, options: Mapping[str, str], batch: NDArray[np.float32]) -> Arm:
    from edge_export.sessions import predictor

    predict = predictor(model, threads=1, options=options)
    return lambda: predict(batch)


def _onnxruntime(source: "onnx.ModelProto", inputs: list[NDArray[np.float32]]) -> dict[str, Arm]:
    """ONNX Runtime's own quantizer: its defaults, and U8S8 with one scale a channel after its own pre-processing."""
    import tempfile
    from pathlib import Path

    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._rest = iter(inputs)

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self._rest, None)
            return None if batch is None else {source.graph.input[0].name: batch}

    with tempfile.TemporaryDirectory() as folder:
        plain, prepared, quantized = (str(Path(folder) / f"{name}.onnx") for name in ("plain", "prepared", "quantized"))
        onnx.save(source, plain)
        quant_pre_process(plain, prepared)
        quantize_static(plain, quantized, Reader())
        defaults = Path(quantized).read_bytes()
        types = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
        quantize_static(prepared, quantized, Reader(), per_channel=True, **types)
        flags = Path(quantized).read_bytes()
    return {
        **_nncf_arm(source, inputs),
        "ORT fp32": _session(source.SerializeToString(), {}, inputs[0]),
        "ORT defaults": _session(defaults, {}, inputs[0]),
        "ORT by flags": _session(flags, {}, inputs[0]),
    }


def _nncf_arm(source: "onnx.ModelProto", inputs: list[NDArray[np.float32]]) -> dict[str, Arm]:
    """Return NNCF's arm; none where ONNX Runtime cannot run what it made, as it could not for MobileNetV2."""
    arm = _session(_nncf(source, inputs), {}, inputs[0])
    try:
        arm()
    except Exception:  # noqa: BLE001 - ONNX Runtime's exceptions have no common base that is public
        return {}
    return {"NNCF": arm}


def _nncf(source: "onnx.ModelProto", inputs: list[NDArray[np.float32]]) -> bytes:
    """NNCF's own ONNX, for ONNX Runtime."""
    import nncf

    feed = source.graph.input[0].name
    dataset = nncf.Dataset(inputs, lambda batch: {feed: batch})
    quantized: Any = nncf.quantize(copy.deepcopy(source), dataset, subset_size=len(inputs))
    return bytes(quantized.SerializeToString())


def _openvino(source: "onnx.ModelProto", inputs: list[NDArray[np.float32]]) -> dict[str, Arm]:
    """OpenVINO in fp32 and bf16, and in int8 by NNCF on OpenVINO's own graph."""
    import io

    import nncf
    import openvino

    model = openvino.Core().read_model(io.BytesIO(source.SerializeToString()))
    model.reshape([1, 3, SIDE, SIDE])
    quantized = nncf.quantize(model, nncf.Dataset(inputs), subset_size=len(inputs))
    return openvino_arms(model, quantized, inputs[0])


def _ours(source: "onnx.ModelProto", inputs: list[NDArray[np.float32]], recipe: "Recipe") -> Arm:
    """What the engine makes of it by a recipe."""
    import onnx

    from edge_export.candidates import make_int8
    from edge_export.inputs import picture_probes
    from edge_export.optimize import BASELINE_PASSES, INT8_PASSES, optimize
    from edge_export.quantize import observe

    graph, _ = optimize(source, picture_probes((3, SIDE, SIDE)), BASELINE_PASSES)
    graph, records = optimize(onnx.shape_inference.infer_shapes(graph), picture_probes((3, SIDE, SIDE)), INT8_PASSES)
    graph = onnx.shape_inference.infer_shapes(graph)
    observation = observe(graph, lambda: (batch[0] for batch in inputs), until=())
    candidate = make_int8(graph, recipe, observation, records)
    return _session(candidate.model, candidate.session, inputs[0])
