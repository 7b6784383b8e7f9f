"""From a recipe and the baseline to the int8 model: the one way in, whatever the recipe."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge_export.quantize.calibration import METHODS, Observation
from edge_export.quantize.recipe import Recipe
from edge_export.quantize.static import COMPUTE, SESSION, leading_operators, quantize_static
from edge_export.quantize.transforms.bias_correction import correct_biases
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
    """What someone should know: one sentence for each thing that the recipe asked for and the graph did not allow."""


def make_quantized(baseline: "onnx.ModelProto", recipe: Recipe, observation: Observation | None) -> Quantized:
    """Quantize `baseline` as the recipe says; the same arguments give the same bytes.

    Args:
        baseline: float32 graph; left as it was.
        recipe: What to do.
        observation: Of `baseline`'s activations; a dynamic recipe without `smooth_quant` needs none.

    Raises:
        InputError: the recipe needs an observation and has none.
    """
    if observation is None:
        raise InputError(f"recipe {recipe.name}: no calibration samples; give --data")
    ranges = METHODS[recipe.calibration](observation)
    in_float = (*recipe.float_operators, *leading_operators(baseline, recipe.float_leading))
    quantized = quantize_static(baseline, recipe, ranges, in_float)
    if recipe.bias_correction:
        corrected, _ = correct_biases(baseline, quantized, observation.means)
        quantized = quantize_static(corrected, recipe, ranges, in_float)
    return Quantized(quantized, SESSION | dict(recipe.session))


def quantizable_operators(baseline: "onnx.ModelProto", recipe: Recipe) -> list[str]:
    """Name the operators with multiply-accumulates that the recipe would put in int8, in graph order.

    Raises:
        InputError: as `make_quantized`.
    """
    in_float = {*recipe.float_operators, *leading_operators(baseline, recipe.float_leading)}
    return [node.name for node in baseline.graph.node if node.op_type in COMPUTE and node.name not in in_float]


def settled(recipe: Recipe, observation: Observation | None) -> Recipe:
    """Return the recipe with what the export decided, so that it can be repeated: the form that a bundle holds."""
    if observation is None or recipe.kind == "dynamic":
        return recipe
    return replace(recipe, calibration_samples=observation.samples)
