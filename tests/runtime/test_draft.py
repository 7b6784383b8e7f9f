"""A JPEG is decoded at the reduced scale that the contract defines, and nothing else changes."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge_runtime.errors import InputError, SchemaError
from edge_runtime.image import ImagePreprocessor, draft_scale
from edge_runtime.preprocessing import Region, Resize, preprocessing_from_dict


def _jpeg(image: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, options.pop("format", "JPEG"), quality=95, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("size", "draft", "scale"),
    [
        ((223, 300), 0, 1),
        ((223, 300), 1, 4),  # 223 // 8 is 27, one short of 28
        ((224, 300), 1, 8),
        ((224, 300), 2, 4),
        ((55, 300), 1, 1),
        ((56, 300), 1, 2),
        ((4000, 3000), 8, 8),
    ],
)
def test_the_scale_follows_the_size(contract: Any, size: Any, draft: int, scale: int) -> None:
    width, height = size
    for upright in ((width, height), (height, width)):
        assert draft_scale(*upright, replace(contract, draft=draft)) == scale


def test_the_scale_follows_the_region_and_the_rule(contract: Any) -> None:
    drafted = replace(contract, draft=1)
    assert draft_scale(448, 448, replace(drafted, region=Region(0.5, 0.0, 1.0, 0.25))) == 4
    assert draft_scale(448, 448, replace(drafted, resize=Resize(200, 28, "exact"))) == 2


def test_pillow_decodes_at_exactly_the_chosen_scale(contract: Any) -> None:
    """For every small size: the decoder's own rule would choose otherwise for some of them."""
    for draft in (1, 2):
        preprocess = ImagePreprocessor(replace(contract, draft=draft))
        for width, height in [(w, h) for w in (24, 28, 57, 111, 223, 224, 449) for h in (28, 56, 225, 447, 900)]:
            scale = draft_scale(width, height, preprocess.contract)
            for form in ("JPEG", "MPO"):
                pixels = preprocess.decode(_jpeg(Image.new("RGB", (width, height)), format=form))
                assert pixels.shape == (-(-height // scale), -(-width // scale), 3), (width, height, draft)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_the_reduced_image_stands_for_the_input(contract: Any, make_picture: Any, mode: str, progressive: bool) -> None:
    preprocess = ImagePreprocessor(replace(contract, draft=1, region=Region(0.1, 0.0, 0.9, 0.95)))
    data = _jpeg(make_picture(6, (500, 391)).convert(mode), progressive=progressive)
    reduced = Image.open(io.BytesIO(data))
    reduced.draft(None, (62, 48))
    expected = ImagePreprocessor(replace(preprocess.contract, draft=0))(reduced.convert("RGB"))
    assert reduced.size == (63, 49)
    assert np.array_equal(preprocess(data), expected)
    assert np.array_equal(preprocess.preprocess(preprocess.decode(data)), expected)


def test_a_turned_photo_is_reduced_as_it_will_stand(contract: Any, make_picture: Any) -> None:
    exif = Image.Exif()
    image = make_picture(7, (448, 224))
    exact = replace(contract, draft=1, resize=Resize(28, 56, "exact"))
    for orientation in range(1, 9):
        exif[0x0112] = orientation
        pixels = ImagePreprocessor(exact).decode(_jpeg(image, exif=exif))
        # Upright, 224x448 can shrink by 8 to 28x56; 448x224 by 4 alone, for its height.
        assert pixels.shape == ((56, 28, 3) if orientation > 4 else (56, 112, 3)), orientation
    assert ImagePreprocessor(replace(exact, exif_orientation=False)).decode(_jpeg(image, exif=exif)).shape[0] == 56


def test_other_inputs_keep_their_detail(contract: Any, make_picture: Any) -> None:
    drafted, plain = ImagePreprocessor(replace(contract, draft=1)), ImagePreprocessor(contract)
    image = make_picture(8, (300, 260))
    png = io.BytesIO()
    image.save(png, "PNG")
    opened = Image.open(io.BytesIO(_jpeg(image)))
    assert np.array_equal(drafted(opened), plain(_jpeg(image)))
    assert opened.size == (300, 260)  # a caller's image is not made smaller
    assert np.array_equal(drafted(png.getvalue()), plain(png.getvalue()))
    assert np.array_equal(drafted(np.asarray(image), "rgb"), plain(np.asarray(image), "rgb"))


def test_it_is_close_to_the_full_decode(contract: Any, make_picture: Any) -> None:
    data = _jpeg(make_picture(9, (640, 480)))
    unit = replace(contract, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), scale=1.0)
    off = np.abs(ImagePreprocessor(replace(unit, draft=1))(data) - ImagePreprocessor(unit)(data))
    assert 0 < off.mean() < 3


def test_a_broken_jpeg_is_named_as_without_draft(contract: Any, make_picture: Any, tmp_path: Any) -> None:
    path = tmp_path / "cut.jpg"
    path.write_bytes(_jpeg(make_picture(0, (400, 300)))[:4000])
    with pytest.raises(InputError, match=r"cut\.jpg: broken image"):
        ImagePreprocessor(replace(contract, draft=1)).decode(path)


def test_values_out_of_range_are_refused(contract: Any) -> None:
    for value in (-1, 9, True, 1.5):
        with pytest.raises(SchemaError, match=r"preprocessing\.draft"):
            preprocessing_from_dict(contract.to_dict() | {"draft": value})


def test_a_camera_photo_takes_less_than_two_thirds_of_the_full_decode(contract: Any) -> None:
    """Of 12 megapixels; `figures/runtime/draft.py` measures it up to the label, beside torchvision and torch."""
    coarse = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    data = _jpeg(Image.fromarray(coarse).resize((4000, 3000), Image.Resampling.BILINEAR))
    seconds = {}
    for draft in (0, 2):
        preprocess = ImagePreprocessor(replace(contract, draft=draft, resize=Resize(256, 256)))
        start = time.thread_time()
        for _ in range(2):
            preprocess(data)
        seconds[draft] = time.thread_time() - start
    assert seconds[2] < 2 / 3 * seconds[0]
