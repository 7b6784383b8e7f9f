"""Contracts as people write them."""

import json
from pathlib import Path

import pytest

from edge_export.architectures import create_network
from edge_export.capture.preprocess_spec import (
    IMAGENET_MEAN,
    ImageInput,
    describe_preprocessing,
    read_preprocessing,
)
from edge_runtime.errors import InputError
from edge_runtime.preprocessing import ImagePreprocessing, Resize

FREE = ImageInput()


def test_short_forms():
    plain = read_preprocessing("imagenet", FREE)
    assert (plain.resize.width, plain.crop_width, plain.resize.kernel, plain.mean) == (
        256,
        224,
        "bilinear",
        IMAGENET_MEAN,
    )
    given = read_preprocessing("imagenet:292,256,bicubic", FREE)
    assert (given.resize.width, given.crop_width, given.resize.kernel) == (292, 256, "bicubic")
    assert read_preprocessing("imagenet:bicubic", FREE).resize.kernel == "bicubic"
    scaled = read_preprocessing("scale255:48", FREE)
    assert (scaled.resize, scaled.scale) == (Resize(48, 48, "exact", "bilinear"), 1 / 255)
    assert read_preprocessing("raw:48", FREE).scale == 1.0
    assert read_preprocessing("timm:test_resnet", FREE) == create_network("test_resnet", 2).preprocessing()


def test_what_is_left_out_comes_from_the_model():
    model = ImageInput(48, 96, "NHWC")
    plain = read_preprocessing("imagenet", model)
    assert (plain.crop_height, plain.crop_width, plain.layout, plain.resize.width) == (48, 96, "NHWC", 109)
    assert read_preprocessing("scale255", model).resize == Resize(96, 48, "exact", "bilinear")


@pytest.mark.parametrize("suffix", [".json", ".toml"])
def test_files_may_leave_defaults_out(tmp_path: Path, suffix: str):
    path = tmp_path / f"contract{suffix}"
    if suffix == ".json":
        document = {
            "resize": {"width": 40, "height": 40},
            "crop_width": 32,
            "crop_height": 32,
            "mean": [0, 0, 0],
            "std": [1, 1, 1],
            "color": "bgr",
        }
        path.write_text(json.dumps(document))
    else:
        path.write_text(
            'crop_width = 32\ncrop_height = 32\nmean = [0, 0, 0]\nstd = [1, 1, 1]\ncolor = "bgr"\n'
            "[resize]\nwidth = 40\nheight = 40\n"
        )
    expected = ImagePreprocessing(Resize(40, 40), 32, 32, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), color="bgr")
    assert read_preprocessing(str(path), FREE) == expected
    assert "BGR NCHW" in describe_preprocessing(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Expecting"),
        ("[1]", "an object"),
        ('{"crop": 3}', "no such field is known"),
        ('{"resize": {"width": 4, "height": 4}}', "missing"),
    ],
)
def test_files_that_are_no_contract(tmp_path: Path, text: str, words: str):
    path = tmp_path / "contract.json"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_preprocessing(str(path), FREE)


def test_sizes_that_no_contract_has():
    with pytest.raises(InputError, match="say which: scale255:224"):
        read_preprocessing("scale255", FREE)
    with pytest.raises(InputError, match=r"resize\.width"):
        read_preprocessing("scale255:0", FREE)
    with pytest.raises(InputError, match="crop_width"):
        read_preprocessing("imagenet:100,200", FREE)
