"""int8 candidates: ranges from streamed calibration, recipes as data, QDQ and dynamic graphs.

| folder or file | what |
|---|---|
| `recipe.py`, `recipes.py` | the form of a recipe, and the table of those that come with `edge` |
| `calibration/` | what activations were seen to be, and one file for each method that makes ranges of it |
| `transforms/` | changes to the float graph before it is quantized, one file each |
| `static.py`, `dynamic.py`, `half.py` | the three ways to a smaller model, by ONNX Runtime's own quantizers |
| `make.py` | from a recipe to a model: the way in |
"""

from edge_export.quantize.calibration import Observation, observe
from edge_export.quantize.make import Quantized, make_quantized, quantizable_operators, settled
from edge_export.quantize.recipe import Recipe, read_recipe, recipe_from_dict
from edge_export.quantize.recipes import RECIPES

__all__ = [
    "RECIPES",
    "Observation",
    "Quantized",
    "Recipe",
    "make_quantized",
    "observe",
    "quantizable_operators",
    "read_recipe",
    "recipe_from_dict",
    "settled",
]
