"""Golden images: seeded and synthetic, each one for a path that a port gets wrong."""

import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

EXIF_ORIENTATION = 0x0112
ROTATED = 6
"""The EXIF value of a camera held upright: the viewer must turn the picture clockwise."""


def golden_images(seed: int = 0) -> dict[str, bytes]:
    """Draw the images, as PNG: lossless, so that every decoder gives the same pixels.

    Each one exercises a path that a port gets wrong: shrinking and enlarging, gray, transparency, EXIF orientation.

    Returns:
        Path in the bundle to the encoded image.
    """
    generator = np.random.default_rng(seed)
    pictures = {
        "large": _picture(generator, 300, 401),
        "small": _picture(generator, 61, 47),
        "gray": _picture(generator, 230, 225).convert("L"),
        "transparent": _transparent(_picture(generator, 128, 200)),
        "rotated": _picture(generator, 150, 90),
    }
    return {f"golden/{name}.png": _encode(picture, name == "rotated") for name, picture in pictures.items()}


def _picture(generator: np.random.Generator, height: int, width: int) -> "Image.Image":
    """Draw color gradients with a dozen rectangles: smooth areas, hard edges, all three channels unlike."""
    from PIL import Image

    rows, columns = np.mgrid[0:height, 0:width]
    pixels = np.stack(
        [255 * columns / width, 255 * rows / height, 127 + 128 * np.sin(rows / 9 + columns / 7)], axis=-1
    ).astype(np.uint8)
    for _ in range(12):
        top, left = generator.integers(0, height - 8), generator.integers(0, width - 8)
        size = generator.integers(6, max(8, min(height, width) // 3))
        pixels[top : top + size, left : left + size] = generator.integers(0, 256, 3)
    return Image.fromarray(pixels)


def _transparent(picture: "Image.Image") -> "Image.Image":
    from PIL import Image

    alpha = np.tile(np.linspace(0, 255, picture.width).astype(np.uint8), (picture.height, 1))
    picture.putalpha(Image.fromarray(alpha))
    return picture


def _encode(picture: "Image.Image", rotated: bool) -> bytes:
    from PIL import Image

    exif = Image.Exif()
    if rotated:
        exif[EXIF_ORIENTATION] = ROTATED
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", exif=exif)
    return buffer.getvalue()
