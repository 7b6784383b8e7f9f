"""`--draft`: the candidate is judged with reduced JPEGs against a baseline without, and val can say no."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import edge_runtime
from edge_export.config import ExportConfig, ExportData
from edge_export.contest import Contest, hold_contest
from edge_export.drafting import FACTOR, answer_finalists, try_draft
from edge_export.export import export
from edge_runtime.errors import InputError
from edge_runtime.image import ImagePreprocessor

CONFIG = ExportConfig(
    quantize="int8", max_drop=0.03, timing_seconds=1.0, calibration_samples=24, search_time=0.0, draft=True
)
COUNTS = {"train": 24, "val": 24, "test": 120}


@pytest.fixture(scope="module")
def photos(picture_data: ExportData, tmp_path_factory: pytest.TempPathFactory) -> ExportData:
    """The pictures, enlarged and saved as JPEG, as a camera would give them."""
    root = tmp_path_factory.mktemp("photos")
    splits: dict[str, Any] = {}
    for split, count in COUNTS.items():
        splits[split] = []
        for path, label in list(picture_data.splits[split])[:count]:
            with Image.open(path) as image:
                image.resize((400, 400), Image.Resampling.BILINEAR).save(root / f"{path.stem}.jpg", quality=90)
            splits[split].append((root / f"{path.stem}.jpg", label))
    return ExportData(splits, dict(picture_data.fingerprints))


@pytest.fixture(scope="module")
def contest(tiny_run: Path, photos: ExportData) -> Contest:
    return hold_contest(tiny_run, photos, CONFIG, lambda stage: None)


def test_val_allows_it_and_each_finalist_answers_under_its_own_contract(contest: Contest, photos: ExportData) -> None:
    after, drafting = try_draft(contest, photos, CONFIG)
    assert drafting.factor == FACTOR, drafting.reason
    assert drafting.reduced == COUNTS["val"]
    assert contest.chosen is not None
    name = contest.chosen.name
    assert np.array_equal(after.val.logits["cpu-fp32"], contest.val.logits["cpu-fp32"])
    assert not np.array_equal(after.val.logits[name], contest.val.logits[name])
    again = answer_finalists(after, drafting, photos.splits["val"])
    assert np.array_equal(again.logits["cpu-fp32"], after.val.logits["cpu-fp32"])
    assert np.array_equal(again.logits[name], after.val.logits[name])
    assert drafting.source(after.captured, [after.baseline]).preprocessing.draft == 0


def test_val_can_say_no(contest: Contest, photos: ExportData) -> None:
    strict = replace(CONFIG, max_drop=0.0)
    after, drafting = try_draft(contest, photos, strict)
    assert after is contest
    assert (drafting.factor, drafting.reduced) == (0, COUNTS["val"])
    assert "off: judging by val, test would bound" in drafting.reason
    assert drafting.verdict is not None


def test_data_without_large_jpegs_leave_it_off(contest: Contest, picture_data: ExportData) -> None:
    after, drafting = try_draft(contest, picture_data, CONFIG)
    assert after is contest
    assert drafting.factor == 0
    assert "off: no item of val is a JPEG large enough" in drafting.reason


def test_a_sources_own_draft_is_kept(contest: Contest, photos: ExportData) -> None:
    captured = replace(contest.captured, preprocessing=replace(contest.captured.preprocessing, draft=3))
    after, drafting = try_draft(replace(contest, captured=captured), photos, CONFIG)
    assert "the source's own contract has draft" in drafting.reason
    assert drafting.source(after.captured, after.finalists) is captured


@pytest.mark.slow
def test_the_bundle_decodes_as_its_verdict_did(tiny_run: Path, photos: ExportData, tmp_path: Path) -> None:
    result = export(tiny_run, tmp_path / "d.edge", photos, replace(CONFIG, provisional=True, fallback="fp32"))
    assert result.report["draft"]["factor"] == FACTOR
    assert result.bundle is not None
    model = edge_runtime.load(result.bundle)
    shipped = FACTOR if model.variant.precision == "int8" else 0
    assert model.manifest.preprocessing.draft == shipped
    path = photos.splits["test"][0][0]  # type: ignore[index]
    assert model.decode(path).shape == ((200, 200, 3) if shipped else (400, 400, 3))
    assert np.array_equal(ImagePreprocessor(model.manifest.preprocessing)(path), model.preprocess(model.decode(path)))


def test_it_needs_an_int8_candidate_alone() -> None:
    for change in ({"quantize": "none"}, {"quantize": "fp16"}, {"keep_fp32": True}):
        with pytest.raises(InputError, match="judged with the int8 candidate"):
            replace(CONFIG, **change)
