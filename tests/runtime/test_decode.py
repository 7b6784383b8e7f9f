"""Whatever a folder or a camera holds becomes RGB pixels, or one clear line."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from edge_runtime.errors import InputError
from edge_runtime.image import MAX_PIXELS, decode_image

ORIENTATION = 0x0112


def _encode(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def test_lossless_forms_give_the_pixels(contract: Any, make_picture: Any) -> None:
    image = make_picture(0)
    expected = np.asarray(image)
    for form in ("PNG", "BMP", "PPM", "TIFF", "TGA"):
        assert np.array_equal(decode_image(_encode(image, form), contract), expected), form
    assert np.array_equal(decode_image(_encode(image, "WEBP", lossless=True), contract), expected)
    assert np.array_equal(decode_image(bytearray(_encode(image)), contract), expected)


@pytest.mark.parametrize("mode", ["1", "L", "P", "YCbCr", "HSV"])
def test_other_color_modes(contract: Any, make_picture: Any, mode: str) -> None:
    image = make_picture(1).convert(mode)
    assert np.array_equal(decode_image(image, contract), np.asarray(image.convert("RGB")))


def test_cmyk_jpeg(contract: Any, make_picture: Any) -> None:
    image = make_picture(1)
    decoded = decode_image(_encode(image.convert("CMYK"), "JPEG", quality=100), contract)
    assert np.abs(decoded.astype(int) - np.asarray(image)).mean() < 4


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P", "RGB", "L", "1"])
def test_transparency_shows_the_background(contract: Any, mode: str) -> None:
    contract = replace(contract, background=(10, 200, 30))
    image = Image.new("RGBA", (4, 2), (200, 100, 50, 255))
    image.putpixel((0, 0), (0, 0, 0, 0))
    if mode in ("P", "RGB", "L", "1"):  # one color, or one entry of the palette, is transparent
        flat = Image.new("L", (4, 2), 255)
        flat.putpixel((0, 0), 0)
        flat = flat.convert(mode)
        key = flat.getpixel((0, 0))
        data = _encode(flat, transparency=key)
    elif mode == "PA":
        data, image = b"", Image.new("PA", (4, 2), (0, 255))
        image.putpalette([200, 100, 50, 0, 0, 0])
        image.putpixel((0, 0), (1, 0))
    else:
        data, image = b"", image.convert(mode)
    source: Any = data or image
    pixels = decode_image(source, contract)
    assert tuple(pixels[0, 0]) == (10, 200, 30)
    assert tuple(pixels[1, 3]) != (10, 200, 30)


def test_half_transparent_pixels_are_mixed(contract: Any) -> None:
    image = Image.new("RGBA", (3, 3), (200, 100, 0, 64))
    expected = np.round((64 * np.array([200, 100, 0]) + 191 * 255) / 255)
    assert np.array_equal(decode_image(_encode(image), contract)[1, 1], expected)


def test_sixteen_bits_keep_the_high_byte(contract: Any) -> None:
    values = np.arange(0, 65536, 257, dtype=np.uint16).reshape(16, 16)
    image = Image.fromarray(values)
    for source in (_encode(image), _encode(image, "TIFF"), image, Image.fromarray(values.astype(np.int32))):
        assert np.array_equal(decode_image(source, contract), np.repeat((values >> 8)[:, :, None], 3, axis=2))


def test_the_first_frame_of_an_animation(contract: Any, make_picture: Any) -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    for form in ("GIF", "PNG", "WEBP", "TIFF"):
        data = _encode(frames[0], form, save_all=True, append_images=frames[1:])
        assert decode_image(data, contract)[4, 4, 0] > 240, form


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation(contract: Any, make_picture: Any, form: str, tmp_path: Path) -> None:
    image = make_picture(3, (40, 24))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options = {"exif": exif} | ({"lossless": True} if form == "WEBP" else {})
        path = tmp_path / f"{orientation}.{form.lower()}"
        path.write_bytes(_encode(image, form, **options))
        with Image.open(path) as opened:
            expected = np.asarray(ImageOps.exif_transpose(opened))
        assert np.array_equal(decode_image(path, contract), expected), orientation
        assert decode_image(path, contract).shape[:2] == ((24, 40) if orientation < 5 else (40, 24))
    if form != "TIFF":  # which Pillow turns by itself
        assert decode_image(path, replace(contract, exif_orientation=False)).shape[:2] == (24, 40)


def test_a_callers_image_is_left_as_it_was(contract: Any) -> None:
    image = Image.new("P", (5, 5))
    decode_image(image, contract)
    assert image.mode == "P"


def test_arrays_need_their_color_order(contract: Any) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    assert np.array_equal(decode_image(rgb, contract, color="rgb"), rgb)
    assert np.array_equal(decode_image(rgb, contract, color="bgr"), rgb[:, :, ::-1])
    for color in (None, "RGB", "gray"):
        with pytest.raises(InputError, match=r"say color='rgb' or color='bgr'.*OpenCV gives bgr"):
            decode_image(rgb, contract, color=color)
    with pytest.raises(InputError, match="is for arrays"):
        decode_image(Image.new("RGB", (3, 3)), contract, color="rgb")


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((3, 4, 4), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.full((4, 4, 3), np.nan),
        np.zeros((0, 4, 3), np.uint8),
    ],
    ids=lambda array: f"{array.shape}-{array.dtype}",
)
def test_wrong_arrays_are_named(contract: Any, array: Any) -> None:
    with pytest.raises(InputError, match=r"array \("):
        decode_image(array, contract, color="rgb")


def test_broken_files_are_named(contract: Any, make_picture: Any, tmp_path: Path) -> None:
    whole = _encode(make_picture(0, (90, 80)), "JPEG")
    broken = {
        "empty.jpg": b"",
        "text.jpg": b"this is a text\n" * 9,
        "cut.jpg": whole[: len(whole) // 2],
        "cut.png": _encode(make_picture(0, (90, 80)))[:2000],
        "header.png": _encode(make_picture(0))[:20],
        "vector.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        "float.tiff": _encode(Image.new("F", (4, 4)), "TIFF"),
    }
    for name, data in broken.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(InputError, match=name) as caught:
            decode_image(path, contract)
        assert "\n" not in str(caught.value)
        with pytest.raises(InputError):
            decode_image(data, contract)


def test_what_is_no_file_is_named(contract: Any, tmp_path: Path) -> None:
    for path in (tmp_path / "none.png", tmp_path, Path("/dev/null")):
        with pytest.raises(InputError, match=str(path)):
            decode_image(path, contract)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(InputError, match="not a plain file"):
            decode_image(tmp_path / "pipe.png", contract)
    with pytest.raises(InputError, match="NoneType: cannot be an image"):
        decode_image(None, contract)
    with pytest.raises(InputError, match="no such file"):
        decode_image("a\0b", contract)


def test_a_decompression_bomb_is_refused_by_its_header(contract: Any) -> None:
    side = int(MAX_PIXELS**0.5) + 1
    data = _encode(Image.new("1", (side, side)))
    assert len(data) < 100_000
    with pytest.raises(InputError, match="pixels"):
        decode_image(data, contract)
    with pytest.raises(InputError, match=f"{side}x{side} pixels; 1 to {MAX_PIXELS}"):
        decode_image(Image.new("1", (side, side)), contract)
    huge = data.replace(side.to_bytes(4, "big"), (60000).to_bytes(4, "big"))
    with pytest.raises(InputError):
        decode_image(huge, contract)


def test_random_damage_gives_pixels_or_an_input_error(contract: Any, make_picture: Any) -> None:
    random = np.random.default_rng(0)
    for form in ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM"):
        whole = np.frombuffer(_encode(make_picture(1, (20, 16)), form), np.uint8)
        for _ in range(60):
            data = whole.copy()
            data[random.integers(0, len(data), 4)] = random.integers(0, 256, 4)
            try:
                pixels = decode_image(data.tobytes(), contract)
            except InputError:
                continue
            assert pixels.ndim == 3 and pixels.dtype == np.uint8
