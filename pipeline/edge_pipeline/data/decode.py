"""What is kept of an image after it was read once: content hash, size and a small gray copy."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_runtime.errors import EdgeError, InputError

SIDE = 16
"""Pixels on a side of the gray copy that near-duplicates are found with."""


@dataclass(frozen=True, slots=True)
class Facts:
    """One image, read and decoded."""

    sha256: bytes
    """Of the file's bytes."""
    width: int
    height: int
    thumbnail: bytes
    """SIDE x SIDE gray values, row by row."""


def read_facts(data: bytes) -> Facts:
    """Decode an image file's bytes and return what is kept of it.

    Raises:
        InputError: the bytes are no image, are cut off, or the image is one that the runtime refuses.
    """
    from PIL import Image

    pixels = _decode(data)
    gray = Image.fromarray(pixels).convert("L")
    small = gray.resize((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=2.0)
    height, width = pixels.shape[:2]
    return Facts(hashlib.sha256(data).digest(), width, height, small.tobytes())


def _decode(data: bytes) -> NDArray[np.uint8]:
    import io

    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))
    except EdgeError:
        raise
    except Exception as error:
        raise InputError(str(error)) from error
