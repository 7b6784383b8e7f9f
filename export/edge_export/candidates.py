"""The models that compete: the fp32 baseline and what the recipes make of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.capture import Captured
from edge_export.config import ExportConfig, Sample
from edge_export.coverage import Coverage, measure_coverage
from edge_export.optimize import PASSES, PassRecord, optimize
from edge_export.quantize.calibrate import Ranges, calibrate_minmax
from edge_export.quantize.half import to_fp16
from edge_export.quantize.recipes import RECIPES, Recipe
from edge_export.quantize.static import quantize_static
from edge_runtime.errors import RefusedError
from edge_runtime.image import ImagePreprocessor
from edge_runtime.manifest import Device, Precision

if TYPE_CHECKING:
    import onnx

    from edge_export.config import ExportData

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
    session: dict[str, str] = field(default_factory=dict)
    coverage: Coverage | None = None


def make_baseline(captured: Captured) -> tuple["onnx.ModelProto", Candidate, tuple[PassRecord, ...]]:
    """Optimize the captured graph: what int8 must beat, and what ships where int8 does not."""
    import onnx

    model, records = optimize(captured.model, captured.preprocessing.tensor_shape, PASSES)
    inferred = onnx.shape_inference.infer_shapes(model)
    recipe = {"precision": "fp32", "passes": [record.name for record in records if record.rewrites]}
    return inferred, Candidate(BASELINE, model.SerializeToString(deterministic=True), "fp32", "cpu", recipe), records


def make_candidates(
    baseline: "onnx.ModelProto", captured: Captured, data: "ExportData", config: ExportConfig
) -> tuple[list[Candidate], dict[str, Any]]:
    """Make what `config.quantize` asks for.

    Returns:
        The candidates, and facts of their making for the report.
    """
    if config.quantize == "none":
        return [], {}
    if config.quantize == "fp16":
        recipe = {"precision": "fp16"}
        return [
            Candidate("cuda-fp16", to_fp16(baseline).SerializeToString(deterministic=True), "fp16", "cuda", recipe)
        ], {}
    ranges = calibrate(baseline, captured, data, config)
    made = [_int8_candidate(baseline, recipe, ranges) for recipe in RECIPES.values()]
    return made, {"calibration": {"method": "minmax", "samples": ranges.samples, "split": "train"}}


def calibrate(baseline: "onnx.ModelProto", captured: Captured, data: "ExportData", config: ExportConfig) -> Ranges:
    """Record activation ranges on a seeded choice of training inputs, read one at a time."""
    chosen = choose_samples(list(data.splits["train"]), config.calibration_samples, config.seed)
    preprocess = ImagePreprocessor(captured.preprocessing)

    def tensors() -> Iterator[NDArray[np.float32]]:
        for path, _ in chosen:
            yield preprocess(path)

    return calibrate_minmax(baseline, tensors())


def choose_samples(samples: list[Sample], count: int, seed: int) -> list[Sample]:
    """Draw `count` samples without replacement, or all of them in order where there are fewer."""
    if len(samples) <= count:
        return samples
    picked = np.random.default_rng(seed).choice(len(samples), count, replace=False)
    return [samples[index] for index in sorted(picked)]


def _int8_candidate(baseline: "onnx.ModelProto", recipe: Recipe, ranges: Ranges) -> Candidate:
    model = quantize_static(baseline, recipe, ranges).SerializeToString(deterministic=True)
    coverage = measure_coverage(model)
    if not coverage.int8:
        raise RefusedError(
            f"recipe {recipe.name}: ONNX Runtime runs none of this network's operators in int8, so nothing is gained; "
            "export with --quantize none"
        )
    settled = recipe.to_dict() | {"calibration_samples": ranges.samples}
    return Candidate("cpu-int8", model, "int8", "cpu", {"precision": "int8"} | settled, coverage=coverage)
