"""The one implementation of the image contract: decode, resize, crop, normalize; equal to the bit on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_runtime.errors import InputError
from edge_runtime.image.decode import MAX_PIXELS, decode_image, describe, open_image
from edge_runtime.image.geometry import center_box, draft_scale, region_box, resized_size
from edge_runtime.image.normalize import Normalizer
from edge_runtime.image.resize import resize_image
from edge_runtime.preprocessing import ImagePreprocessing

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

__all__ = [
    "MAX_PIXELS",
    "ImagePreprocessor",
    "center_box",
    "decode_image",
    "draft_scale",
    "preprocess_image",
    "region_box",
    "resize_image",
    "resized_size",
]


class ImagePreprocessor:
    """Executes one contract; makes its tables once. Safe to call from many threads."""

    contract: ImagePreprocessing
    shape: tuple[int, int, int]
    """Of one tensor: (3, h, w), or (h, w, 3) for a contract with layout NHWC."""

    def __init__(self, contract: ImagePreprocessing) -> None:
        self.contract = contract
        self._normalize = Normalizer(contract)
        self.shape = self._normalize.shape

    def decode(self, x: Any, *, color: str | None = None) -> npt.NDArray[np.uint8]:
        """Return `(H, W, 3)` uint8 RGB; see `decode_image`."""
        return decode_image(x, self.contract, color=color)

    def preprocess(
        self, image: npt.NDArray[np.uint8], *, out: npt.NDArray[np.float32] | None = None
    ) -> npt.NDArray[np.float32]:
        """Turn `(H, W, 3)` uint8 RGB into the model's tensor, of `shape`; written to `out` where given."""
        return self._preprocess(image, out)

    def _preprocess(
        self, image: npt.NDArray[np.uint8] | Image.Image, out: npt.NDArray[np.float32] | None
    ) -> npt.NDArray[np.float32]:
        contract = self.contract
        width, height = image.shape[1::-1] if isinstance(image, np.ndarray) else image.size
        if contract.region is not None:
            left, top, right, bottom = box = region_box(width, height, contract)
            image = image[top:bottom, left:right] if isinstance(image, np.ndarray) else image.crop(box)
            width, height = right - left, bottom - top
        size = resized_size(width, height, contract.resize)
        box = center_box(size, contract.crop_width, contract.crop_height)
        return self._normalize(resize_image(image, size, contract.resize.kernel, box), out)

    def __call__(
        self, x: Any, color: str | None = None, *, out: npt.NDArray[np.float32] | None = None
    ) -> npt.NDArray[np.float32]:
        """Decode and preprocess one input: what the two stages give, with a copy less of a photo."""
        image = open_image(x, self.contract, color=color)
        try:
            return self._preprocess(image, out)
        except InputError as error:
            raise InputError(f"{describe(x)}: {error}") from error


def preprocess_image(image: npt.NDArray[np.uint8], contract: ImagePreprocessing) -> npt.NDArray[np.float32]:
    """Turn `(H, W, 3)` uint8 RGB into the model's tensor; `ImagePreprocessor` does it repeatedly."""
    return ImagePreprocessor(contract).preprocess(image)
