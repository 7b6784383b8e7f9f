"""int8 candidates: ranges from streamed calibration, recipes as data, QDQ graphs."""

from edge_export.quantize.recipes import RECIPES, Recipe

__all__ = ["RECIPES", "Recipe"]
