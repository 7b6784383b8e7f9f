"""Recipes: one way each to make a candidate, as data."""

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Recipe:
    """How an int8 candidate is made from the fp32 baseline."""

    name: str
    activations: Literal["uint8", "int8"] = "uint8"
    """With int8 weights, uint8 activations meet the VNNI and dot-product kernels; int8 ones took 2.7 times as long
    (ResNet-18: 4.68 against 12.5 ms)."""
    weights: Literal["int8", "uint8"] = "int8"
    per_channel: bool = True
    """One scale for each output channel of a weight; ONNX Runtime's default of one for all cost 14 points of top-1."""
    calibration: Literal["minmax"] = "minmax"
    calibration_samples: int = 256
    """At most; fewer where the training split holds fewer."""
    float_operators: tuple[str, ...] = ()
    """Names of graph nodes that stay in float."""

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON-ready data."""
        return asdict(self) | {"float_operators": list(self.float_operators)}


RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (Recipe("u8s8-per-channel-minmax"),)}
"""What `--quantize int8` tries, in this order; the fastest that val allows is judged on test."""
