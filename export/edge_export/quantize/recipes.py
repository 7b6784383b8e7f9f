"""Recipes: one way each to make a candidate, as data."""

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Recipe:
    """How an int8 candidate is made from the fp32 baseline."""

    name: str
    calibration: Literal["minmax", "percentile", "mse"]
    """A name of `edge_export.quantize.calibration.METHODS`."""
    float_leading: int = 0
    """How many of the first convolutions and matrix products stay in float: the errors made there pass through all
    that follows."""
    bias_correction: bool = True
    """See `edge_export.quantize.bias_correction`."""
    activations: Literal["uint8", "int8"] = "uint8"
    """With int8 weights, uint8 activations meet the VNNI and dot-product kernels; int8 ones took 2.7 times as long
    (ResNet-18: 4.68 against 12.5 ms)."""
    weights: Literal["int8", "uint8"] = "int8"
    per_channel: bool = True
    """One scale for each output channel of a weight; ONNX Runtime's default of one for all cost 14 points of top-1."""

    def to_dict(self) -> dict[str, Any]:
        """Return the recipe as JSON-ready data."""
        return asdict(self)


TIERS: tuple[tuple[Recipe, ...], ...] = (
    (
        Recipe("minmax", "minmax"),
        Recipe("percentile", "percentile"),
        Recipe("mse", "mse"),
    ),
    (Recipe("mse-4-float", "mse", float_leading=4),),
    (Recipe("mse-8-float", "mse", float_leading=8),),
    (Recipe("mse-16-float", "mse", float_leading=16),),
)
"""What `--quantize int8` tries, quickest first. Recipes of one tier make the same graph with other ranges, so they are
equally quick, and the one that val likes best stands for all. A later tier is tried where val says that no earlier
candidate could be proven on test."""
