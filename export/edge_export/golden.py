"""Golden vectors: seeded synthetic images with the tensors and logits that every device must reproduce."""

import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_export.capture.interface import Predictor
from edge_runtime.golden import Golden, GoldenCase, tensor_sha256
from edge_runtime.image import ImagePreprocessor
from edge_runtime.manifest import Manifest
from edge_runtime.prediction import predictions
from edge_runtime.preprocessing import ImagePreprocessing

if TYPE_CHECKING:
    from PIL import Image

GOLDEN_FILE = "golden.json"

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


def golden_file(images: Mapping[str, bytes], manifest: Manifest, predictors: Mapping[str, Predictor]) -> bytes:
    """Record what preprocessing and each variant make of `images`, as the bundle's `golden.json`.

    Args:
        images: Path in the bundle to the encoded image.
        manifest: Labels, contract and variants.
        predictors: Variant name to its model.
    """
    preprocess = ImagePreprocessor(manifest.preprocessing)
    cases = []
    for path, content in images.items():
        tensor = preprocess(content)
        logits = {name: predict(tensor[np.newaxis]) for name, predict in predictors.items()}
        answers = {one.name: predictions(logits[one.name], manifest, one)[0] for one in manifest.variants}
        values = {name: tuple(float(value) for value in row[0]) for name, row in logits.items()}
        labels = {name: answer.label for name, answer in answers.items()}
        scores = {name: answer.score for name, answer in answers.items()}
        cases.append(GoldenCase(path, tensor_sha256(tensor), values, labels, scores))
    return (json.dumps(asdict(Golden(tuple(cases))), indent=1, ensure_ascii=False) + "\n").encode()


def golden_tensors(images: Mapping[str, bytes], contract: ImagePreprocessing) -> NDArray[np.float32]:
    """Return the images' tensors as one batch."""
    preprocess = ImagePreprocessor(contract)
    return np.stack([preprocess(content) for content in images.values()])


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
