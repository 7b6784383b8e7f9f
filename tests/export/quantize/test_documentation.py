"""What docs/quantization.md says of recipes is so."""

import re
from dataclasses import MISSING, fields
from pathlib import Path

import numpy as np
import tomllib

from edge_export.quantize import Recipe, make_quantized, observe, recipe_from_dict
from edge_export.quantize.calibration import METHODS
from edge_export.quantize.recipe import STATIC_ONLY

PAGE = (Path(__file__).parents[3] / "docs" / "quantization.md").read_text(encoding="utf-8")


def test_the_table_names_every_field_with_its_default():
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE.split("## Calibration")[0], re.MULTILINE)
    assert [name for name, _ in rows] == [one.name for one in fields(Recipe)]
    for (_, shown), field in zip(rows, fields(Recipe), strict=True):
        if shown.startswith("`"):
            default = field.default_factory() if field.default is MISSING else field.default
            (written,) = tomllib.loads(f"value = {shown.strip('`')}").values()
            assert (tuple(written) if isinstance(written, list) else written) == default
    sentence = PAGE.split("mean\nnothing to a dynamic recipe")[0].rsplit("\n\n", 1)[1]
    assert set(re.findall(r"`(\w+)`", sentence)) == STATIC_ONLY


def test_the_example_makes_a_model(network):
    (text,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    recipe = recipe_from_dict(tomllib.loads(text.replace('"logits"', '"y"')))
    made = make_quantized(network, recipe, observe(network, lambda: [np.zeros((3, 16, 16), np.float32)]))
    assert made.session["session.force_spinning_stop"] == "1"


def test_the_table_names_every_method():
    assert re.findall(r"^\| `(\w+)` \|", PAGE.split("## Calibration")[1].split("\n## ")[0], re.MULTILINE) == list(
        METHODS
    )
