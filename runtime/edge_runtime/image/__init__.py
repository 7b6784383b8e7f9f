"""The one implementation of the image contract: decode, resize, crop, normalize; equal to the bit on every machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_runtime.errors import EdgeError, InputError
from edge_runtime.image.decode import MAX_PIXELS, decode_image, describe, import_decoder, open_image
from edge_runtime.image.geometry import center_box, draft_scale, region_box, resized_size
from edge_runtime.image.resize import resize_image
from edge_runtime.preprocessing.image import ImagePreprocessing
from edge_runtime.preprocessing.interface import Run, at_place

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


def normalization_table(contract: ImagePreprocessing) -> npt.NDArray[np.float32]:
    """Return `(3, 256)` float32 in the tensor's channel order: `(value * scale - mean) / std`, rounded once.

    A table, so that no machine can round differently.
    """
    values = np.arange(256, dtype=np.float64)
    mean = np.array(contract.mean, dtype=np.float64)[:, None]
    std = np.array(contract.std, dtype=np.float64)[:, None]
    return ((values * contract.scale - mean) / std).astype(np.float32)


class ImagePreprocessor:
    """Executes one contract; makes its tables once. Safe to call from many threads."""

    contract: ImagePreprocessing
    shape: tuple[int, int, int]
    """Of one tensor: (3, h, w), or (h, w, 3) for a contract with layout NHWC."""

    def __init__(self, contract: ImagePreprocessing) -> None:
        self.contract = contract
        self.shape = contract.tensor_shape
        self._table = normalization_table(contract)
        import_decoder()

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

    def _normalize(self, pixels: npt.NDArray[np.uint8], out: npt.NDArray[np.float32] | None) -> npt.NDArray[np.float32]:
        """Look `(h, w, 3)` uint8 RGB of the crop's size up in the table, laid out as the contract says."""
        contract = self.contract
        tensor = np.empty(self.shape, dtype=np.float32) if out is None else out
        for at, channel in enumerate((0, 1, 2) if contract.color == "rgb" else (2, 1, 0)):
            target = tensor[at] if contract.layout == "NCHW" else tensor[:, :, at]
            # Every uint8 is a valid index; "clip" only spares numpy the buffering that "raise" needs.
            np.take(self._table[at], pixels[:, :, channel], out=target, mode="clip")
        return tensor

    def trace(self, _: Any) -> None:
        """Return nothing: answers to images need no more of them."""

    def __call__(
        self, x: Any, color: str | None = None, *, out: npt.NDArray[np.float32] | None = None
    ) -> npt.NDArray[np.float32]:
        """Decode and preprocess one input: what the two stages give, with a copy less of a photo."""
        image = open_image(x, self.contract, color=color)
        try:
            return self._preprocess(image, out)
        except InputError as error:
            raise InputError(f"{describe(x)}: {error}") from error

    def batches(
        self, items: Sequence[Any], color: str | None, size: int, alike: bool = True
    ) -> Iterator[tuple[Sequence[int], npt.NDArray[np.float32]]]:
        """Yield batches in the list's order, each with its items' places; `color` is that of every array."""
        for start in range(0, len(items), size):
            places = range(start, min(start + size, len(items)))
            batch = np.empty((len(places), *self.shape), dtype=np.float32)
            for tensor, at in zip(batch, places, strict=True):
                own = color if isinstance(items[at], np.ndarray) else None
                try:
                    self(items[at], own, out=tensor)
                except EdgeError as error:
                    raise at_place(error, at) from error
            yield places, batch

    def stack(self, tensors: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
        """Make one batch of tensors, which all have one shape."""
        return np.stack(tensors)

    def check(self, batch: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the batch as it is, where it is `(n, *shape)`."""
        if batch.ndim != 4 or batch.shape[1:] != self.shape or len(batch) == 0:
            raise InputError(f"batch {batch.shape}: (n, {self.shape}) with n >= 1 is expected")
        return batch

    def rows(self, tensor: npt.NDArray[np.float32]) -> Sequence[npt.NDArray[np.float32]]:
        """Return the tensor alone."""
        return (tensor,)

    def ask(self, batch: npt.NDArray[Any], run: Run, _: Any) -> npt.NDArray[Any]:
        """Run a batch."""
        return run(batch)


def preprocess_image(image: npt.NDArray[np.uint8], contract: ImagePreprocessing) -> npt.NDArray[np.float32]:
    """Turn `(H, W, 3)` uint8 RGB into the model's tensor; `ImagePreprocessor` does it repeatedly."""
    return ImagePreprocessor(contract).preprocess(image)
