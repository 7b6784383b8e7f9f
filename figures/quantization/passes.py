"""What each graph pass gains: int8 latency of a network with all passes over that with all but one."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from interface import Figure

if TYPE_CHECKING:
    import onnx

SIDE = 224
SECONDS = 5.0
CALIBRATION_SAMPLES = 2
PASSES = (
    ("global-average-pool", "efficientnet_b0"),
    ("unstride-stem", "resnet18"),
    ("unstride-stem", "mobilenetv2_100"),
    ("split-hard-swish", "mobilenetv3_large_100"),
    ("pad-depthwise", "mobilenetv3_large_100"),
    ("convolve-batch-norm", "densenet121"),
    ("clip-bytes", "mobilenetv3_large_100"),
    ("shift-zero-points", "mobilenetv3_large_100"),
)
"""Each pass and a network that has what it was written for."""


def measure() -> list[Figure]:
    """Measure each pass on its network; weights are random, for time does not depend on them."""
    figures = []
    for network in dict.fromkeys(network for _, network in PASSES):
        source = _capture(network)
        whole = _int8(source, None)
        for name in (name for name, wanted in PASSES if wanted == network):
            figures.append(_compare(network, name, whole, _int8(source, name)))
    return figures


def _compare(network: str, name: str, whole: Callable[[], object], without: Callable[[], object]) -> Figure:
    from edge_benchmarks.timing import interleave

    timings = interleave({"with": whole, "without": without}, seconds=SECONDS)
    ratio = timings.ratio("with", "without")
    how = f"all passes over all but this one, {timings.rounds} rounds, 1 thread, batch 1, {SIDE} px"
    title = f"{network} int8 with {name}"
    return Figure(title, ratio.estimate, ratio.low, ratio.high, 1.0, "at most", "x", how)


def _capture(network: str) -> "onnx.ModelProto":
    import timm
    import torch

    from edge_export.capture.torch_module import export_module

    torch.manual_seed(0)
    return export_module(timm.create_model(network, pretrained=False), (3, SIDE, SIDE))


def _int8(source: "onnx.ModelProto", left_out: str | None) -> Callable[[], object]:
    """Return the quantized network as a call; `left_out` names the pass that it goes without."""
    import onnx

    from edge_export.inputs import picture_probes
    from edge_export.optimize import BASELINE_PASSES, INT8_PASSES, QDQ_PASSES, optimize
    from edge_export.quantize import Recipe, make_quantized, observe
    from edge_export.sessions import predictor

    shape = (3, SIDE, SIDE)
    wanted = {name: change for name, change in (BASELINE_PASSES | INT8_PASSES).items() if name != left_out}
    graph = onnx.shape_inference.infer_shapes(optimize(source, picture_probes(shape), wanted)[0])
    rows = np.random.default_rng(0).standard_normal((CALIBRATION_SAMPLES, *shape), dtype=np.float32)
    kept = dict(QDQ_PASSES)
    QDQ_PASSES.pop(left_out or "", None)
    try:
        made = make_quantized(graph, Recipe("minmax"), observe(graph, lambda: iter(rows)))
    finally:
        QDQ_PASSES.clear()
        QDQ_PASSES.update(kept)
    predict = predictor(made.model.SerializeToString(), threads=1, options=made.session)
    return lambda: predict(rows[:1])
