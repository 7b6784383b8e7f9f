"""The numpy resize equals Pillow's bit for bit, and sizes and crops equal torchvision's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest
from PIL import Image, __version__

from edge_runtime.errors import InputError
from edge_runtime.image import ImagePreprocessor, center_box, resize_image, resized_size
from edge_runtime.image.resize import resize_numpy
from edge_runtime.preprocessing import Resize

OLD_ORDER = int(__version__.split(".")[0]) < 13
"""Pillow 13 was the first to take the rows of tall images before their columns."""


def _by_pillow(image: Any, size: tuple[int, int], kernel: str) -> Any:
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling[kernel.upper()]))


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
def test_numpy_equals_pillow(kernel: Any) -> None:
    random = np.random.default_rng(0)
    for at in range(120):
        height, width, new_height, new_width = (int(side) for side in random.integers(1, (300, 300, 250, 250)))
        image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        if at % 3 == 0:  # only extremes, so that bicubic overshoots and is clipped
            image = np.where(image > 128, 255, 0).astype(np.uint8)
        if at % 7 == 0:  # one axis only
            new_height = height
        size = (new_width, new_height)
        expected = image
        tall = height - new_height > max(0, 2 * (width - new_width))
        for step in ((width, new_height), size) if tall else ((new_width, height), size):
            expected = _by_pillow(expected, step, kernel)
        assert np.array_equal(resize_numpy(image, size, kernel), expected), (image.shape, size)
        assert np.array_equal(resize_image(image, size, kernel), expected), (image.shape, size)


@pytest.mark.skipif(OLD_ORDER, reason="this Pillow orders its passes otherwise")
@pytest.mark.parametrize("size", [(224, 224), (30, 7), (300, 20), (256, 341), (1, 1), (111, 400)])
def test_one_call_of_pillow_gives_the_same(size: tuple[int, int]) -> None:
    random = np.random.default_rng(1)
    for shape in ((480, 640), (640, 480), (900, 70), (64, 64)):
        image = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
        assert np.array_equal(resize_numpy(image, size, "bicubic"), _by_pillow(image, size, "bicubic"))


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
def test_a_box_is_the_part_of_the_whole(kernel: Any) -> None:
    random = np.random.default_rng(5)
    for at in range(120):
        height, width, new_height, new_width = (int(side) for side in random.integers(1, (200, 200, 150, 150)))
        image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        new_width = width if at % 5 == 0 else new_width
        new_height = height if at % 7 == 0 else new_height
        left, top = int(random.integers(0, new_width)), int(random.integers(0, new_height))
        right, bottom = int(random.integers(left, new_width)) + 1, int(random.integers(top, new_height)) + 1
        size, box = (new_width, new_height), (left, top, right, bottom)
        expected = resize_numpy(image, size, kernel)[top:bottom, left:right]
        for part in (resize_numpy, resize_image):
            assert np.array_equal(part(image, size, kernel, box), expected), (image.shape, size, box)
        assert np.array_equal(resize_image(Image.fromarray(image), size, kernel, box), expected)


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
def test_a_camera_frame_takes_at_most_four_times_pillows_time(kernel: Any) -> None:
    frame = np.random.default_rng(4).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    size, box = (341, 256), (58, 16, 282, 240)
    seconds: dict[Any, float] = {}
    for _ in range(15):  # alternating, and the best of each, so that a busy machine hits both
        for resize in (resize_numpy, resize_image):
            start = time.perf_counter()
            resize(frame, size, kernel, box)
            seconds[resize] = min(seconds.get(resize, 9.0), time.perf_counter() - start)
    assert seconds[resize_numpy] <= 4 * seconds[resize_image]


_COUNT_THREADS = """
import time, numpy as np
from edge_runtime.image.resize import resize_numpy
frame = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), dtype=np.uint8)
resize_numpy(frame, (341, 256), "bicubic")
everyone, mine = time.process_time(), time.thread_time()
for _ in range(3):
    resize_numpy(frame, (341, 256), "bicubic")
print((time.process_time() - everyone) / (time.thread_time() - mine))
"""


def test_the_numpy_resize_wakes_no_threads() -> None:
    """OpenBLAS spreads larger products over every core, where its threads spin in the way of the network's."""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    asked = subprocess.run([sys.executable, "-c", _COUNT_THREADS], env=environment, capture_output=True, check=True)
    assert float(asked.stdout) < 1.2


def test_a_reversed_view_is_resized_as_its_copy() -> None:
    bgr = np.random.default_rng(2).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    view = bgr[:, :, ::-1]
    for resize in (resize_image, resize_numpy):
        assert np.array_equal(resize(view, (20, 30), "bicubic"), resize(view.copy(), (20, 30), "bicubic"))


def test_size_and_crop_equal_torchvision() -> None:
    functional = pytest.importorskip("torchvision.transforms.v2.functional")
    for width, height in ((4000, 2670), (640, 480), (481, 333), (33, 333), (256, 256), (257, 256), (100, 300)):
        image = Image.new("RGB", (width, height))
        resized = functional.resize(image, [256], antialias=True)
        assert resized_size(width, height, Resize(256, 256)) == resized.size
    for width, height in ((256, 383), (257, 256), (384, 255), (224, 224), (227, 226)):
        pixels = np.arange(width * height * 3).astype(np.uint8).reshape(height, width, 3)
        image = Image.fromarray(pixels)
        expected = np.asarray(functional.center_crop(image, [224, 223]))
        left, top, right, bottom = center_box((width, height), 223, 224)
        assert np.array_equal(pixels[top:bottom, left:right], expected)


def test_the_exact_rule_ignores_the_shape() -> None:
    assert resized_size(640, 480, Resize(100, 50, "exact")) == (100, 50)


def test_a_shape_that_would_take_all_memory_is_refused() -> None:
    with pytest.raises(InputError, match="1x50000 pixels: its longer side would become 12800000"):
        resized_size(1, 50000, Resize(256, 256))


@pytest.mark.parametrize("color", ["rgb", "bgr"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_normalization_is_rounded_once_from_float64(contract: Any, color: Any, layout: Any) -> None:
    from dataclasses import replace

    preprocess = ImagePreprocessor(replace(contract, color=color, layout=layout))
    pixels = np.random.default_rng(3).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    tensor = preprocess.preprocess(pixels)
    values = pixels[2:26, 2:26].astype(np.float64)
    values = values if color == "rgb" else values[:, :, ::-1]
    expected = ((values * contract.scale - contract.mean) / contract.std).astype(np.float32)
    expected = expected if layout == "NHWC" else expected.transpose(2, 0, 1)
    assert tensor.dtype == np.float32 and tensor.flags.c_contiguous
    assert np.array_equal(tensor, expected)
    slot = np.zeros((2, *preprocess.shape), dtype=np.float32)
    assert np.array_equal(preprocess.preprocess(pixels, out=slot[1]), slot[1])
    assert np.array_equal(slot[1], expected) and not slot[0].any()
