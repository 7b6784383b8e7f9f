"""The models that compete: the fp32 baseline and what the recipes make of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.capture import Captured
from edge_export.config import ExportConfig, ExportData, Sample
from edge_export.coverage import Coverage, measure_coverage
from edge_export.optimize import BASELINE_PASSES, PassRecord, optimize
from edge_export.quantize import Observation, Recipe, make_quantized, observe, settled
from edge_export.quantize.half import to_fp16
from edge_export.quantize.recipes import TIERS
from edge_runtime.image import ImagePreprocessor
from edge_runtime.manifest import Device, Precision

if TYPE_CHECKING:
    import onnx

BASELINE = "cpu-fp32"


@dataclass(frozen=True)
class Candidate:
    """One model that could ship."""

    name: str
    """Name of the variant in the bundle, such as `cpu-int8`."""
    model: bytes
    precision: Precision
    device: Device
    recipe: dict[str, Any]
    """How it was made; two runs of the same recipe on the same baseline and samples give the same bytes."""
    session: dict[str, str] = field(default_factory=dict)
    coverage: Coverage | None = None


def make_baseline(captured: Captured) -> tuple["onnx.ModelProto", Candidate, tuple[PassRecord, ...]]:
    """Optimize the captured graph: what int8 must beat, and what ships where int8 does not."""
    import onnx

    model, records = optimize(captured.model, captured.preprocessing.tensor_shape, BASELINE_PASSES)
    inferred = onnx.shape_inference.infer_shapes(model)
    recipe = {"precision": "fp32", "passes": [record.name for record in records if record.rewrites]}
    return inferred, Candidate(BASELINE, model.SerializeToString(deterministic=True), "fp32", "cpu", recipe), records


def make_fp16(baseline: "onnx.ModelProto") -> Candidate:
    """Make the variant for GPUs; QDQ int8 is slower than fp32 on the CUDA provider (onnxruntime#14439)."""
    model = to_fp16(baseline).SerializeToString(deterministic=True)
    return Candidate("cuda-fp16", model, "fp16", "cuda", {"precision": "fp16"})


def calibrate(baseline: "onnx.ModelProto", captured: Captured, data: ExportData, config: ExportConfig) -> Observation:
    """Observe the activations on a seeded choice of training inputs, read one at a time."""
    chosen = choose_samples(list(data.splits["train"]), config.calibration_samples, config.seed)
    preprocess = ImagePreprocessor(captured.preprocessing)

    def tensors() -> Iterator[NDArray[np.float32]]:
        for path, _ in chosen:
            yield preprocess(path)

    return observe(baseline, tensors)


def choose_samples(samples: list[Sample], count: int, seed: int) -> list[Sample]:
    """Draw `count` samples without replacement, or all of them in order where there are fewer."""
    if len(samples) <= count:
        return samples
    picked = np.random.default_rng(seed).choice(len(samples), count, replace=False)
    return [samples[index] for index in sorted(picked)]


def int8_tiers(baseline: "onnx.ModelProto", observation: Observation) -> Iterator[list[Candidate]]:
    """Yield the candidates of each tier of recipes, made when they are asked for.

    A candidate in which ONNX Runtime runs nothing in int8 gains nothing and is left out, and with it all later tiers,
    which have even less.
    """
    for tier in TIERS:
        made = [_int8_candidate(baseline, recipe, observation) for recipe in tier]
        useful = [candidate for candidate in made if candidate.coverage and candidate.coverage.int8]
        if not useful:
            return
        yield useful


def _int8_candidate(baseline: "onnx.ModelProto", recipe: Recipe, observation: Observation) -> Candidate:
    made = make_quantized(baseline, recipe, observation)
    model = made.model.SerializeToString(deterministic=True)
    document = settled(recipe, observation).to_dict()
    return Candidate("cpu-int8", model, "int8", "cpu", document, made.session, measure_coverage(model, made.session))
