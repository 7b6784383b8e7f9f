"""What is kept of an image after it was read once: content hash, size and a small gray copy."""

import hashlib
from dataclasses import dataclass

from edge_runtime.errors import InputError
from edge_runtime.image import decode_image
from edge_runtime.image.decode import describe
from edge_runtime.preprocessing import ImagePreprocessing, Resize

SIDE = 16
"""Pixels on a side of the gray copy that near-duplicates are found with."""
AS_IT_IS = ImagePreprocessing(Resize(1, 1), crop_width=1, crop_height=1, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
"""Of this contract only the decoding counts: transparency on white, upright by EXIF."""


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

    try:
        pixels = decode_image(data, AS_IT_IS)
    except InputError as error:
        # The runtime names the bytes, for it knows no file; the caller does.
        reason = str(error).removeprefix(f"{describe(data)}: ")
        raise InputError(reason.split("; ")[0]) from error
    gray = Image.fromarray(pixels).convert("L")
    small = gray.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0)
    height, width = pixels.shape[:2]
    return Facts(hashlib.sha256(data).digest(), width, height, small.tobytes())
