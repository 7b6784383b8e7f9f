"""From a recipe and the baseline to the int8 model: the one way in, whatever the recipe."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge_export.optimize import align_hard_swish, finish_quantized
from edge_export.quantize.bodies import COMPUTE
from edge_export.quantize.calibration import Observation, Ranges, settled_ranges
from edge_export.quantize.dynamic import batched_products, quantize_dynamic
from edge_export.quantize.feed_forward import GATE
from edge_export.quantize.fixed import quantize_fixed, unranged_products
from edge_export.quantize.prepare import prepare
from edge_export.quantize.recipe import Recipe
from edge_export.quantize.static import SESSION, named_things, quantize_static, unranged_operators
from edge_export.quantize.transforms.bias_correction import correct_biases, requantize_biases
from edge_export.quantize.transforms.equalization import equalize
from edge_export.quantize.transforms.measured_biases import measure_biases
from edge_export.quantize.transforms.smooth_quant import smooth
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Quantized:
    """An int8 model."""

    model: "onnx.ModelProto"
    session: dict[str, str]
    """ONNX Runtime session options that it must run with."""
    notes: tuple[str, ...] = ()
    """What someone should know: one sentence for each thing that stays in float unasked or that a transform found."""


def make_quantized(baseline: "onnx.ModelProto", recipe: Recipe, observation: Observation | None) -> Quantized:
    """Quantize `baseline` as the recipe says; the same arguments give the same bytes.

    Args:
        baseline: float32 graph; left as it was.
        recipe: What to do.
        observation: Of `baseline`'s activations; a dynamic recipe without `smooth_quant` needs none.

    Raises:
        InputError: the recipe needs an observation and has none, or names what the graph does not hold, or the graph
            cannot be quantized.
        RefusedError: a transform changed an answer of the float graph, which is a defect of the transform.
    """
    prepared = prepare(baseline)
    model, notes = prepared.model, list(prepared.notes)
    _check_names(model, recipe)
    in_float = set(recipe.float_operators)
    if recipe.equalize:
        known = _needed(recipe, observation)
        model, pairs = equalize(model, known.first)
        notes.append(f"equalized {pairs} pairs of convolutions")
        observation = _observed_again(known, model) if pairs else known
    if recipe.smooth_quant is not None:
        known = _needed(recipe, observation)
        model, products = smooth(model, known.peaks, recipe.smooth_quant, known.first)
        notes.append(f"smoothed the inputs of {products} matrix products")
        observation = _observed_again(known, model) if products and recipe.kind != "dynamic" else known
    if recipe.kind != "static":
        notes += [f"{name} stays in float: its weights are not of two dimensions" for name in batched_products(model)]
    if recipe.kind == "dynamic":
        return Quantized(quantize_dynamic(model, recipe, in_float), dict(recipe.session), tuple(notes))
    known = _needed(recipe, observation)
    if recipe.kind == "fixed":
        ranges = settled_ranges(known, recipe.calibration, recipe.percentile)
        notes += [f"{name} stays in float: its input is infinite" for name in unranged_products(model, ranges)]
        made = quantize_fixed(model, recipe, ranges, in_float)
        if networks := sum(node.op_type == "QLinearSigmoid" for node in made.graph.node):
            notes.append(f"{networks} feed-forward networks have x * sigmoid({GATE} x) in place of GELU, on codes")
        return Quantized(made, dict(recipe.session), tuple(notes))
    ranges = align_hard_swish(model, settled_ranges(known, recipe.calibration, recipe.percentile))
    notes += [f"{name} stays in float: an activation at it is infinite" for name in unranged_operators(model, ranges)]
    session = SESSION | dict(recipe.session)
    quantized = _static(model, recipe, known, ranges, in_float)
    if recipe.bias_correction == "measured" and known.samples_again is not None:
        measure_biases(model, quantized, session, known.samples_again)
    return Quantized(finish_quantized(quantized, session), session, tuple(notes))


def quantizable_operators(baseline: "onnx.ModelProto", recipe: Recipe) -> list[str]:
    """Name the operators with multiply-accumulates that the recipe would put in int8, in graph order.

    Raises:
        InputError: as `make_quantized`.
    """
    from onnx import TensorProto

    model = prepare(baseline).model
    _check_names(model, recipe)
    in_float = set(recipe.float_operators)
    weights = {tensor.name for tensor in model.graph.initializer if tensor.data_type == TensorProto.FLOAT}
    types = COMPUTE if recipe.kind == "static" else ("Gemm", "MatMul")
    if recipe.kind != "static":
        in_float.update(batched_products(model))
    return [
        node.name
        for node in model.graph.node
        if node.op_type in types
        and node.name not in in_float
        # A product of two activations has int8 kernels too, with ranges from calibration.
        and (node.input[1] in weights or (node.op_type == "MatMul" and recipe.kind == "static"))
    ]


def settled(recipe: Recipe, observation: Observation | None) -> Recipe:
    """Return the recipe with what the export decided, so that it can be repeated: the form that a bundle holds."""
    if observation is None or recipe.kind == "dynamic":
        return recipe
    return replace(recipe, calibration_samples=observation.samples)


def _static(
    model: "onnx.ModelProto", recipe: Recipe, observation: Observation, ranges: Ranges, in_float: Collection[str]
) -> "onnx.ModelProto":
    quantized = quantize_static(model, recipe, ranges, in_float)
    if recipe.bias_correction != "off":
        corrected, changed = correct_biases(model, quantized, observation.means)
        known = {node.name: len(node.input) for node in model.graph.node}
        in_place = all(node.op_type != "MatMul" and known[node.name] == len(node.input) for node in changed)
        if changed and not (in_place and requantize_biases(quantized, corrected)):
            quantized = quantize_static(corrected, recipe, ranges, in_float)
    return quantized


def _needed(recipe: Recipe, observation: Observation | None) -> Observation:
    if observation is None:
        raise InputError(f"recipe {recipe.name}: it needs calibration samples from the training split; give --data")
    return observation


def _observed_again(observation: Observation, model: "onnx.ModelProto") -> Observation:
    if observation.observe_again is None:
        raise InputError("this observation cannot be repeated on a changed graph; make it with observe()")
    return observation.observe_again(model)


def _check_names(model: "onnx.ModelProto", recipe: Recipe) -> None:
    nodes = {node.name for node in model.graph.node}
    known: Iterable[tuple[str, tuple[str, ...], set[str]]] = (
        ("float_operators", recipe.float_operators, nodes),
        ("int16_tensors", recipe.int16_tensors, {*named_things(model)} if recipe.int16_tensors else nodes),
    )
    for field, names, allowed in known:
        unknown = [name for name in names if name not in allowed]
        if unknown:
            raise InputError(
                f"recipe {recipe.name}: {field}: the graph has no {unknown[0]!r}; take a name that the report lists"
            )
