"""Inputs for a report: pictures that are small and without what a camera noted about place and time, and texts."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_benchmarks.report.page import Picture, Pictures, Table
from edge_runtime.errors import InputError
from edge_runtime.image import decode_image
from edge_runtime.preprocessing import ImagePreprocessing, Resize

THUMBNAIL = 96
"""Longest side in pixels."""
MOST_CHARACTERS = 200
"""Of a text that is shown."""

_CONTRACT = ImagePreprocessing(Resize(THUMBNAIL, THUMBNAIL), THUMBNAIL, THUMBNAIL, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def gallery(inputs: Sequence[tuple[Path | str, str]]) -> Pictures | Table:
    """Return those of the images (path, caption) that can still be read; of texts a table of their beginnings."""
    texts = [[caption, beginning(text)] for text, caption in inputs if isinstance(text, str)]
    if texts:
        return Table(["answers", "text"], texts)
    pictures = (picture(path, caption) for path, caption in inputs if not isinstance(path, str))
    return Pictures([one for one in pictures if one is not None])


def beginning(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return the first so many characters of a text in one line."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}..."


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
