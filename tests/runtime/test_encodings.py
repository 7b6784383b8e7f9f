"""Every common way to encode a picture gives the same 8-bit RGB pixels, and half a file of each is refused by name."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

from edge_runtime.errors import InputError
from edge_runtime.image import decode_image

GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
"""Color types of PNG."""


def _encode(image: Image.Image, form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _png(samples: Any, depth: int, color: int, **chunks: bytes) -> bytes:
    """Write a PNG of any depth from `(H, W, channels)` samples; Pillow writes only some."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width, _ = samples.shape
    rows = samples.reshape(height, -1)
    if depth == 16:
        lines = rows.astype(">u2").view(np.uint8)
    else:
        bits = np.unpackbits(rows.astype(np.uint8)[:, :, None], axis=2)[:, :, 8 - depth :]
        lines = np.packbits(bits.reshape(height, -1), axis=1)
    body = b"".join(b"\0" + line.tobytes() for line in lines)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    extra = b"".join(chunk(name.encode(), data) for name, data in chunks.items())
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(body))
        + chunk(b"IEND", b"")
    )


def _tiff_16(samples: Any) -> bytes:
    """Write an uncompressed little-endian TIFF of 16-bit RGB."""
    height, width, _ = samples.shape
    data: bytes = samples.astype("<u2").tobytes()
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 3, 8), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 14)]
    tags += [(277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, len(data))]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + b"\0" * 4
    return b"II*\0" + struct.pack("<I", 14 + len(data)) + struct.pack("<HHH", 16, 16, 16) + data + directory


def _ycck(image: Image.Image) -> bytes:
    """Write the JPEG that Photoshop writes: CMYK whose first three channels went through YCbCr (Adobe transform 2)."""
    inverted = Image.eval(image, lambda value: 255 - value).convert("YCbCr")
    bands = [Image.eval(band, lambda value: 255 - value) for band in inverted.split()]
    data = _encode(Image.merge("CMYK", [*bands, Image.new("L", image.size, 0)]), "JPEG", quality=100, subsampling=0)
    at = data.index(b"Adobe") + 11
    assert data[at] == 0
    return data[:at] + b"\x02" + data[at + 1 :]


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_in_every_color_space(contract: Any, make_picture: Any, progressive: bool) -> None:
    image = make_picture(1, (64, 48))
    options: dict[str, Any] = {"quality": 100, "progressive": progressive}
    files = {
        "4:4:4": (_encode(image, "JPEG", subsampling=0, **options), image),
        "4:2:0": (_encode(image, "JPEG", subsampling=2, **options), image),
        "RGB": (_encode(image, "JPEG", keep_rgb=True, **options), image),
        "gray": (_encode(image.convert("L"), "JPEG", **options), image.convert("L").convert("RGB")),
        "CMYK": (_encode(image.convert("CMYK"), "JPEG", **options), image),
        "YCCK": (_ycck(image), image),
    }
    for name, (data, expected) in files.items():
        off = np.abs(decode_image(data, contract).astype(int) - np.asarray(expected))
        assert off.mean() < 3, name


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_png_gray_and_palette_of_every_depth(contract: Any, depth: int) -> None:
    samples = np.random.default_rng(depth).integers(0, 1 << depth, (7, 13, 1))
    gray = samples * 255 // ((1 << depth) - 1) if depth < 16 else samples >> 8
    assert np.array_equal(decode_image(_png(samples, depth, GRAY), contract), np.repeat(gray, 3, axis=2))
    if depth == 16:
        return
    colors = np.random.default_rng(9).integers(0, 256, (1 << depth, 3), dtype=np.uint8)
    data = _png(samples, depth, PALETTE, PLTE=colors.tobytes())
    assert np.array_equal(decode_image(data, contract), colors[samples[:, :, 0]])
    transparent = _png(samples, depth, PALETTE, PLTE=colors.tobytes(), tRNS=b"\0")  # the first entry
    expected = np.where(samples == 0, (1, 2, 3), colors[samples[:, :, 0]])
    assert np.array_equal(decode_image(transparent, replace(contract, background=(1, 2, 3))), expected)


@pytest.mark.parametrize("color", [RGB, GRAY_ALPHA, RGBA])
def test_png_of_16_bits_keeps_high_bytes_and_lays_over_the_background(contract: Any, color: int) -> None:
    channels = {RGB: 3, GRAY_ALPHA: 2, RGBA: 4}[color]
    samples = np.random.default_rng(color).integers(0, 65536, (5, 9, channels))
    if color == RGB:
        expected = samples >> 8
    else:
        samples[:, :, -1] = np.where(samples[:, :, -1] > 40000, 65535, 0)
        expected = np.where(samples[:, :, -1:] > 0, samples[:, :, :-1] >> 8, 255)
    expected = np.repeat(expected, 3, axis=2) if color == GRAY_ALPHA else expected
    assert np.array_equal(decode_image(_png(samples, 16, color), contract), expected)


def test_a_transparent_gray_level_of_16_bits(contract: Any) -> None:
    samples = np.array([[[0], [500]], [[501], [65535]]])
    pixels = decode_image(_png(samples, 16, GRAY, tRNS=struct.pack(">H", 500)), replace(contract, background=(9, 8, 7)))
    assert np.array_equal(pixels, [[[0] * 3, [9, 8, 7]], [[1] * 3, [255] * 3]])


def test_tiff_of_16_bits(contract: Any) -> None:
    samples = np.random.default_rng(3).integers(0, 65536, (6, 11, 3))
    assert np.array_equal(decode_image(_tiff_16(samples), contract), samples >> 8)


@pytest.mark.parametrize("form", ["TIFF", "TGA"])
def test_cmyk_and_gray_with_alpha_in_other_forms(contract: Any, make_picture: Any, form: str) -> None:
    image = make_picture(2).convert("CMYK" if form == "TIFF" else "LA")
    assert np.array_equal(decode_image(_encode(image, form), contract), np.asarray(image.convert("RGB")))


def test_an_animation_with_transparency_shows_its_first_frame(contract: Any) -> None:
    contract = replace(contract, background=(0, 0, 255))
    first = Image.new("RGBA", (16, 16), (255, 0, 0, 255))
    first.paste((0, 0, 0, 0), (0, 0, 8, 16))
    for form, alpha in (("GIF", 255), ("PNG", 255), ("WEBP", 100)):  # libwebp drops an alpha of zeros and ones here
        options = {"lossless": True} if form == "WEBP" else {}
        second = Image.new("RGBA", (16, 16), (0, 255, 0, alpha))
        data = _encode(first, form, save_all=True, append_images=[second], duration=50, **options)
        pixels = decode_image(data, contract)
        assert tuple(pixels[8, 2]) == (0, 0, 255), form
        assert tuple(pixels[8, 12]) == (255, 0, 0), form


def test_whole_numbers_without_a_range_are_refused(contract: Any) -> None:
    for values in ([[0, 70000]], [[-1, 5]]):
        image = Image.fromarray(np.array(values, dtype=np.int32))
        with pytest.raises(InputError, match=r"no fixed range; convert it to 8 or 16 bits"):
            decode_image(_encode(image, "TIFF"), contract)


FORMS = ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "TGA", "JPEG2000", "MPO", "AVIF"]


@pytest.mark.parametrize("form", FORMS)
def test_half_a_file_is_refused_by_name(contract: Any, form: str, tmp_path: Any) -> None:
    if form == "AVIF" and "avif" not in features.get_supported():
        pytest.skip("this Pillow cannot write AVIF")
    noise = np.random.default_rng(1).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    whole = _encode(Image.fromarray(noise), form)
    assert decode_image(whole, contract).shape == (90, 70, 3)
    for share in (0.5, 0.1):
        path = tmp_path / f"{form}-{share}"
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(InputError, match=str(path.name)):
            decode_image(path, contract)


def test_any_memory_layout_of_an_array_will_do(contract: Any) -> None:
    from edge_runtime.image import ImagePreprocessor

    preprocess = ImagePreprocessor(contract)
    frame = np.random.default_rng(2).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    expected = preprocess(frame, "rgb")
    padded = np.zeros((60, 96, 4), np.uint8)
    padded[:, 8:88, :3] = frame
    read_only = frame.copy()
    read_only.setflags(write=False)
    views = (
        np.asfortranarray(frame),
        padded[:, 8:88, :3],
        read_only,
        np.ascontiguousarray(frame[::-1, ::-1])[::-1, ::-1],
        frame.transpose(2, 0, 1).copy().transpose(1, 2, 0),
    )
    for view in views:
        assert np.array_equal(preprocess(view, "rgb"), expected)
        assert np.array_equal(preprocess(view[:, :, ::-1], "bgr"), expected)
