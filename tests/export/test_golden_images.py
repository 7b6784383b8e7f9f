"""The golden images of every bundle are sharp: whatever a port gets wrong in preprocessing, one of them shows."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge_export.golden import golden_batch
from edge_export.golden_images import golden_images
from edge_runtime.image import ImagePreprocessor
from edge_runtime.preprocessing import ImagePreprocessing, Region, Resize

CONTRACT = ImagePreprocessing(Resize(256, 256), 224, 224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
IMAGES = golden_images()

FAULTS: dict[str, dict[str, Any]] = {
    "kernel": {"resize": replace(CONTRACT.resize, kernel="bilinear")},
    "size rule": {"resize": replace(CONTRACT.resize, rule="exact")},
    "one pixel in size": {"resize": Resize(257, 257)},
    "mean off by half a step": {"mean": (0.485 + 0.5 / 255, 0.456, 0.406)},
    "mean in the order of BGR": {"mean": CONTRACT.mean[::-1]},
    "std": {"std": (0.229, 0.224, 0.2251)},
    "scale": {"scale": 1 / 256},
    "colors": {"color": "bgr"},
    "orientation": {"exif_orientation": False},
    "transparency": {"background": (0, 0, 0)},
    "region": {"region": Region(0.0, 0.0, 0.99, 1.0)},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_step_shows_beyond_any_rounding(fault: str) -> None:
    right, wrong = (
        golden_batch(IMAGES, ImagePreprocessor(contract)) for contract in (CONTRACT, replace(CONTRACT, **FAULTS[fault]))
    )
    # In units of one of the 256 steps of a pixel.
    assert np.abs(right - wrong).max() * min(CONTRACT.std) * 255 > 0.02


def test_no_picture_is_its_own_mirror_or_transpose() -> None:
    for tensor in golden_batch(IMAGES, ImagePreprocessor(CONTRACT)):
        turned = [tensor[:, ::-1], tensor[:, :, ::-1], tensor.transpose(0, 2, 1)]
        assert all(np.abs(tensor - other).mean() > 0.3 for other in turned)
