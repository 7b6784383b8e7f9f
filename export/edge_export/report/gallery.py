"""Pictures for a report: small, and without what a camera noted about place and time."""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from edge_benchmarks.report.page import Picture, Pictures
from edge_runtime.errors import InputError
from edge_runtime.image import decode_image
from edge_runtime.preprocessing import ImagePreprocessing, Resize

THUMBNAIL = 96
"""Longest side in pixels."""

_CONTRACT = ImagePreprocessing(Resize(THUMBNAIL, THUMBNAIL), THUMBNAIL, THUMBNAIL, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def gallery(images: Iterable[tuple[Path, str]]) -> Pictures:
    """Return those of the images (path, caption) that can still be read."""
    pictures = (picture(path, caption) for path, caption in images)
    return Pictures([one for one in pictures if one is not None])


def answer_words(value: Any, labels: Sequence[str]) -> str:
    """Name an answer or a truth: a class number, or a row of booleans with one for each label."""
    if value.ndim == 0:
        return labels[int(value)]
    return " | ".join(label for label, there in zip(labels, value, strict=True) if there) or "nothing"


def picture(path: Path, caption: str) -> Picture | None:
    """Return the image at `path` as a thumbnail; None where it can no longer be read.

    It is decoded to pixels and encoded anew, so that no EXIF and no place of recording goes into the report.
    """
    from PIL import Image

    try:
        pixels = decode_image(path, _CONTRACT)
    except InputError:
        return None
    image = Image.fromarray(pixels)
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return Picture(buffer.getvalue(), caption)
