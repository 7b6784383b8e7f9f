"""The recipes that an export starts from, as data."""

from edge_export.quantize.recipe import Recipe

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        # Convolutions. Clips nothing: the first to try, and right where activations have no outliers.
        Recipe("minmax", calibration="minmax"),
        # Cuts a hundred-thousandth of the values at both ends together, as ONNX Runtime's own calibrator does.
        Recipe("percentile", calibration="percentile"),
        # Balances what clipping loses against what a finer step gains.
        Recipe("mse", calibration="mse"),
    )
}

TIERS: tuple[tuple[Recipe, ...], ...] = (
    (RECIPES["minmax"], RECIPES["percentile"], RECIPES["mse"]),
    (Recipe("mse-4-float", calibration="mse", float_leading=4),),
    (Recipe("mse-8-float", calibration="mse", float_leading=8),),
    (Recipe("mse-16-float", calibration="mse", float_leading=16),),
)
"""What `--quantize int8` tries, quickest first. Recipes of one tier make the same graph with other ranges, so they are
equally quick, and the one that val likes best stands for all. A later tier is tried where val says that no earlier
candidate could be proven on test."""
