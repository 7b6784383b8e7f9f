"""The models that compete: the fp32 baseline and what the recipes make of it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.capture import Captured
from edge_export.config import ExportConfig, ExportData, Sample
from edge_export.graphs.coverage import Coverage, measure_coverage
from edge_export.inputs import pass_probes
from edge_export.optimize import BASELINE_PASSES, INT8_PASSES, PassRecord, optimize
from edge_export.quantize import Observation, Recipe, make_quantized, observe, settled
from edge_export.quantize.calibration import SETTLE_BY, Cache
from edge_export.quantize.half import to_fp16
from edge_export.quantize.prepare import name_nodes
from edge_export.quantize.recipes import NO_SKIP_NORM
from edge_runtime.errors import InputError
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
    """None for models that are not int8."""
    notes: tuple[str, ...] = ()
    """What someone should know of how it was made; see `edge_export.quantize.Quantized`."""

    @property
    def in_int8(self) -> int:
        """How many operators run in int8."""
        return self.coverage.int8 if self.coverage else 0


def make_baseline(captured: Captured) -> tuple["onnx.ModelProto", Candidate, tuple[PassRecord, ...]]:
    """Optimize the captured graph: what int8 must beat, and what ships where int8 does not."""
    import onnx

    model, records = optimize(captured.model, pass_probes(captured.preprocessing), BASELINE_PASSES)
    name_nodes(model.graph)
    inferred = onnx.shape_inference.infer_shapes(model)
    session = dict(NO_SKIP_NORM) if captured.preprocessing.kind == "text" else {}
    recipe = {"precision": "fp32", "passes": _effective(records), "session": session}
    content = model.SerializeToString(deterministic=True)
    return inferred, Candidate(BASELINE, content, "fp32", "cpu", recipe, session), records


def make_fp16(baseline: "onnx.ModelProto") -> Candidate:
    """Make the variant for GPUs; QDQ int8 is slower than fp32 on the CUDA provider (onnxruntime#14439)."""
    model = to_fp16(baseline).SerializeToString(deterministic=True)
    return Candidate("cuda-fp16", model, "fp16", "cuda", {"precision": "fp16"})


def prepare_int8(
    baseline: "onnx.ModelProto", captured: Captured, asked: Recipe | None = None
) -> tuple["onnx.ModelProto", tuple[PassRecord, ...]]:
    """Rewrite the baseline into the forms that have int8 kernels: the graph that recipes quantize.

    Args:
        baseline: With inferred shapes.
        captured: Gives the shape of the input.
        asked: A recipe that names its passes; None takes every pass that finds something to do.

    Raises:
        InputError: the recipe names a pass that there is not.
    """
    import onnx

    names = tuple(INT8_PASSES) if asked is None else asked.passes
    if unknown := [name for name in names if name not in INT8_PASSES]:
        raise InputError(f"graph pass {unknown[0]!r} of the recipe is unknown; there are {', '.join(INT8_PASSES)}")
    passes = {name: INT8_PASSES[name] for name in names}
    model, records = optimize(baseline, pass_probes(captured.preprocessing), passes)
    name_nodes(model.graph)
    return onnx.shape_inference.infer_shapes(model), records


def calibrate(graph: "onnx.ModelProto", captured: Captured, data: ExportData, config: ExportConfig) -> Observation:
    """Observe the activations on a seeded choice of training inputs, read one at a time.

    Raises:
        InputError: a recipe names more samples than there are, so that it cannot be repeated; or as `observe`.
    """
    exactly = config.recipe.calibration_samples if config.recipe else None
    chosen = choose_samples(list(data.splits["train"]), exactly or config.calibration_samples, config.seed)
    if exactly and len(chosen) < exactly:
        raise InputError(
            f"recipe {config.recipe.name if config.recipe else ''}: calibration_samples={exactly}, and train holds "
            f"{len(chosen):,}; give the data that it was made with, or remove the field"
        )
    preprocess = captured.preprocessor()

    def tensors() -> Iterator[NDArray[Any]]:
        for path, _ in chosen:
            yield from preprocess.rows(preprocess(path))

    cache = Cache(config.cache, _samples_hash(captured, data, len(chosen), config.seed)) if config.cache else None
    return observe(graph, tensors, until=() if exactly else SETTLE_BY, cache=cache)


def _samples_hash(captured: Captured, data: ExportData, count: int, seed: int) -> str:
    """Hash what decides which tensors calibration sees, and in which order."""
    contract = captured.preprocessing.to_dict()
    parts = [data.fingerprints["train"], count, seed, contract]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def choose_samples(samples: list[Sample], count: int, seed: int) -> list[Sample]:
    """Draw `count` samples without replacement, or all of them where there are fewer, in random order.

    In the order of the data a class comes after another, and ranges would seem to settle before all were seen.
    """
    picked = np.random.default_rng(seed).permutation(len(samples))[:count]
    return [samples[index] for index in picked]


def make_int8(
    graph: "onnx.ModelProto", recipe: Recipe, observation: Observation | None, passes: tuple[PassRecord, ...] = ()
) -> Candidate:
    """Make the candidate of a recipe.

    Args:
        graph: What `prepare_int8` gave.
        recipe: How to quantize it.
        observation: Of `graph`; None where the recipe needs none.
        passes: What `prepare_int8` did, for the record.
    """
    made = make_quantized(graph, recipe, observation)
    if recipe.kind == "dynamic":
        fix_batch(made.model)
    document = settled(recipe, observation).to_dict() | {"passes": _effective(passes)}
    coverage = measure_coverage(made.model, made.session, graph, recipe.float_operators)
    model = made.model.SerializeToString(deterministic=True)
    return Candidate("cpu-int8", model, "int8", "cpu", document, made.session, coverage, made.notes)


def fix_batch(model: "onnx.ModelProto") -> None:
    """Say that the graph takes one item at a time, in place.

    Dynamic quantization takes one range of the whole batch, so an item's answer would depend on its batch mates and on
    their padding (onnxruntime#10111).
    """
    del model.graph.value_info[:]
    for info in (*model.graph.input, *model.graph.output):
        info.type.tensor_type.shape.dim[0].dim_value = 1


def _effective(records: tuple[PassRecord, ...]) -> list[str]:
    return [record.name for record in records if record.rewrites]
