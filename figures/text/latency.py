"""One message through MiniLM at 32 and 128 tokens: our int8 against torch eager and against OpenVINO's best."""

from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from interface import Figure
from numpy.typing import NDArray
from openvino_arms import OPENVINO, openvino_arms

from edge_benchmarks.timing import interleave
from edge_benchmarks.verdicts import Interval
from edge_export.text_networks import Pooling
from text.encoder import encoder_folder

if TYPE_CHECKING:
    import onnx
    from torch import nn

LABELS = ("a", "b", "c", "d", "e", "f")
LENGTHS = {32: (5.5, 0.85), 128: (5.0, 1.0)}
"""Tokens to the speed-up over torch eager and the ratio to OpenVINO's best that were asked for."""
POOLINGS: tuple[Pooling, ...] = ("mean", "cls")
"""How tokens become a text: what MiniLM's directory says and a training takes, and the first token, which lets the last
layer compute that token alone."""
RECIPES_TIMED = ("dynamic", "fixed-codes")
"""What a search starts from and the quickest of fixed ranges: which is faster depends on the length."""
SECONDS = 8.0
SAMPLES = 32
Arm = Callable[[], object]
Ids = NDArray[np.int64]


def measure() -> list[Figure]:
    """Time every form of the encoder beside each other, for each length."""
    import torch

    torch.set_num_threads(1)
    return [figure for pooling in POOLINGS for length in LENGTHS for figure in _figures(length, pooling)]


def _figures(length: int, pooling: Pooling) -> list[Figure]:
    module, source = _network(pooling)
    rows = [np.random.default_rng(seed).integers(1000, 20_000, (1, length)) for seed in range(SAMPLES)]
    timings = interleave(_arms(module, source, rows), seconds=SECONDS, warmup_seconds=0.5)
    best, ours = (
        min(names, key=lambda arm: float(np.median(timings.samples_ns[arm]))) for names in (OPENVINO, RECIPES_TIMED)
    )
    milliseconds = ", ".join(f"{arm} {np.median(samples) / 1e6:.2f}" for arm, samples in timings.samples_ns.items())
    tools = ", ".join(f"{name} {version(name)}" for name in ("onnxruntime", "openvino", "nncf", "torch"))
    case = f"1 thread, batch 1, random tokens, {pooling} pooling"
    how = f"ours by {ours}; {timings.rounds} rounds, {case}; {tools}; medians in ms: {milliseconds}"
    name = f"MiniLM, {pooling} pooling, {length} tokens"
    eager, peer = LENGTHS[length]
    ratio: Interval = timings.ratio(ours, best)
    speedup: Interval = timings.ratio("torch eager", ours)
    return [
        Figure(
            f"{name}: torch eager over ours",
            speedup.estimate,
            speedup.low,
            speedup.high,
            eager,
            "at least",
            "x",
            how,
        ),
        Figure(
            f"{name}: ours over {best}",
            ratio.estimate,
            ratio.low,
            ratio.high,
            peer,
            "at most",
            "x",
            how,
        ),
    ]


def _network(pooling: Pooling) -> "tuple[nn.Module, onnx.ModelProto]":
    """Return MiniLM with a fresh head, and its graph."""
    import torch

    from edge_export.capture.torch_module import export_encoder
    from edge_pipeline.models.encoders import load_encoder

    torch.manual_seed(0)
    encoder = load_encoder(str(encoder_folder()), LABELS, 512, task="text-classification", pooling=pooling)
    module = encoder.network.eval()
    return module, export_encoder(module, encoder.contract)


def _arms(module: "nn.Module", source: "onnx.ModelProto", rows: list[Ids]) -> dict[str, Arm]:
    import torch

    ids = torch.from_numpy(rows[0])

    def eager() -> object:
        with torch.inference_mode():
            return module(ids)

    return {"torch eager": eager, **_openvino(module, rows), **_ours(source, rows)}


def _ours(source: "onnx.ModelProto", rows: list[Ids]) -> dict[str, Arm]:
    """Our fp32 and int8, as the engine makes them; ranges come from what OpenVINO's do."""
    import onnx

    from edge_export.candidates import make_int8
    from edge_export.optimize import BASELINE_PASSES
    from edge_export.quantize import RECIPES, observe
    from edge_export.quantize.prepare import name_nodes
    from edge_export.quantize.recipes import NO_SKIP_NORM
    from edge_export.sessions import predictor

    graph = source
    for rewrite in BASELINE_PASSES.values():
        graph, _ = rewrite(graph)
    name_nodes(graph.graph)
    graph = onnx.shape_inference.infer_shapes(graph)
    seen = observe(graph, lambda: (row[0] for row in rows), until=())
    fp32 = predictor(graph.SerializeToString(), threads=1, options=NO_SKIP_NORM)
    made = {name: make_int8(graph, RECIPES[name], seen) for name in RECIPES_TIMED}
    int8 = {name: predictor(one.model, threads=1, options=one.session) for name, one in made.items()}
    arms = {"our fp32": fp32, **int8}
    return {name: partial(predict, rows[0]) for name, predict in arms.items()}


def _openvino(module: "nn.Module", rows: list[Ids]) -> dict[str, Arm]:
    """OpenVINO on its own conversion at a fixed length, in fp32 and bf16, and in int8 by NNCF for transformers."""
    import nncf
    import openvino
    import torch

    model = openvino.convert_model(module, example_input=torch.from_numpy(rows[0]), input=[1, rows[0].shape[1]])
    options: dict[str, Any] = {"model_type": nncf.ModelType.TRANSFORMER, "subset_size": len(rows)}
    quantized = nncf.quantize(model, nncf.Dataset(rows), **options)
    return openvino_arms(model, quantized, rows[0])
