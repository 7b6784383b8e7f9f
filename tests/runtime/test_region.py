"""A fixed camera's region: the same part at every resolution, exact without Pillow too, refused where it is none."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import edge_runtime.image.resize as resize_module
from edge_runtime.errors import InputError, SchemaError
from edge_runtime.image import ImagePreprocessor
from edge_runtime.preprocessing import Region, preprocessing_from_dict

DOOR = Region(0.25, 0.1, 0.8, 0.95)


def _encode(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


def test_the_region_is_what_a_crop_by_hand_gives(contract: Any, make_picture: Any, monkeypatch: Any) -> None:
    image = make_picture(4, (161, 83))
    by_hand = image.crop((40, 8, 129, 79))
    expected = ImagePreprocessor(contract)(by_hand)
    preprocess = ImagePreprocessor(replace(contract, region=DOOR))
    pixels = np.asarray(image)
    for x, color in ((image, None), (_encode(image), None), (pixels, "rgb"), (pixels[:, :, ::-1].copy(), "bgr")):
        assert np.array_equal(preprocess(x, color), expected)
    assert preprocess.decode(image).shape == (83, 161, 3)  # the region is of preprocessing, not of decoding
    assert np.array_equal(preprocess.preprocess(preprocess.decode(image)), expected)
    monkeypatch.setattr(resize_module, "_pillow", lambda: None)
    assert np.array_equal(preprocess(pixels, "rgb"), expected)


def test_the_region_is_of_the_upright_image(contract: Any, make_picture: Any) -> None:
    preprocess = ImagePreprocessor(replace(contract, region=Region(0.0, 0.0, 1.0, 0.5)))
    image, exif = make_picture(5, (90, 60)), Image.Exif()
    exif[0x0112] = 6
    upright = image.transpose(Image.Transpose.ROTATE_270)
    assert np.array_equal(preprocess(_encode(image, exif=exif)), preprocess(upright))


@pytest.mark.parametrize(
    ("region", "size", "box"),
    [
        (Region(0.0, 0.0, 1.0, 1.0), (640, 480), (0, 0, 640, 480)),
        (Region(0.25, 0.5, 0.75, 1.0), (1, 1), (0, 0, 1, 1)),
        (Region(0.5, 0.5, 0.5000001, 0.6), (640, 480), (320, 240, 321, 288)),
        (Region(0.1, 0.3, 0.35, 0.7), (5, 5), (1, 2, 2, 4)),  # 0.5 and 1.5 pixels: halves up
        (Region(0.999, 0.999, 1.0, 1.0), (100, 100), (99, 99, 100, 100)),
    ],
)
def test_edges_go_to_the_nearest_pixel_and_one_stays(region: Region, size: Any, box: Any) -> None:
    assert region.box(*size) == box


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"left": -0.1}, "left"),
        ({"left": 0.9}, "left"),
        ({"top": 1.0}, "top"),
        ({"right": 1.01}, "right"),
        ({"bottom": "1"}, "bottom"),
    ],
)
def test_a_region_that_is_none_is_refused(contract: Any, change: dict[str, Any], field: str) -> None:
    document = replace(contract, region=DOOR).to_dict()
    assert preprocessing_from_dict(document).region == DOOR
    document["region"] |= change
    with pytest.raises(SchemaError, match=rf"preprocessing\.region\.{field}"):
        preprocessing_from_dict(document)


def test_a_narrow_region_is_named_with_its_input(contract: Any) -> None:
    narrow = ImagePreprocessor(replace(contract, region=Region(0.0, 0.0, 0.001, 1.0)))
    with pytest.raises(InputError, match=r"array \(1000, 1000, 3\).*1x1000 pixels"):
        narrow(np.zeros((1000, 1000, 3), np.uint8), "rgb")
