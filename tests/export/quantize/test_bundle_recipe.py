"""A bundle's recipe makes the bundle again, without a search."""

from dataclasses import replace
from pathlib import Path

import pytest

from edge_export.config import ExportConfig
from edge_export.export import export
from edge_export.quantize import read_recipe
from edge_runtime.bundle import read_bundle
from edge_runtime.errors import InputError


@pytest.mark.slow
def test_a_bundle_is_made_again_by_its_own_recipe(tiny_run, picture_data, tmp_path: Path):
    searched = ExportConfig(
        quantize="int8", max_drop=0.05, timing_seconds=1.0, calibration_samples=24, provisional=True, keep_fp32=True,
        fallback="fp32", search_time=10.0, name="tiny",
    )  # fmt: skip
    first = export(tiny_run, tmp_path / "first.edge", picture_data, searched)
    manifest = read_bundle(first.bundle).manifest
    recipe = read_recipe(first.bundle)
    assert recipe.to_dict() == manifest.recipe["cpu-int8"]
    # Another number of samples on the command line does not matter: the recipe holds its own.
    asked = replace(searched, recipe=recipe, calibration_samples=12)
    again = export(tiny_run, tmp_path / "again.edge", picture_data, asked)
    assert read_bundle(again.bundle).manifest.recipe == manifest.recipe
    assert again.content_id == first.content_id
    with pytest.raises(InputError, match="calibration_samples=1000, and train holds 24"):
        short = replace(searched, recipe=replace(recipe, calibration_samples=1000))
        export(tiny_run, tmp_path / "short.edge", picture_data, short)
    plain = export(tiny_run, tmp_path / "plain.edge", picture_data, ExportConfig(timing_seconds=1.0))
    with pytest.raises(InputError, match=r"plain\.edge: no variant of this bundle is int8 \(cpu-fp32\)"):
        read_recipe(plain.bundle)
