"""From 8-bit pixels to float32 by table: 256 values for each channel, so that no machine can round differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_runtime.preprocessing.image import ImagePreprocessing

if TYPE_CHECKING:
    import numpy.typing as npt


def normalization_table(contract: ImagePreprocessing) -> npt.NDArray[np.float32]:
    """Return `(3, 256)` float32 in the tensor's channel order: `(value * scale - mean) / std`, rounded once."""
    values = np.arange(256, dtype=np.float64)
    mean = np.array(contract.mean, dtype=np.float64)[:, None]
    std = np.array(contract.std, dtype=np.float64)[:, None]
    return ((values * contract.scale - mean) / std).astype(np.float32)


class Normalizer:
    """Looks pixels up in the table and lays them out as the contract says."""

    def __init__(self, contract: ImagePreprocessing) -> None:
        self._table = normalization_table(contract)
        self._planar = contract.layout == "NCHW"
        self._channels = (0, 1, 2) if contract.color == "rgb" else (2, 1, 0)
        height, width = contract.crop_height, contract.crop_width
        self.shape: tuple[int, int, int] = (3, height, width) if self._planar else (height, width, 3)

    def __call__(
        self, pixels: npt.NDArray[np.uint8], out: npt.NDArray[np.float32] | None = None
    ) -> npt.NDArray[np.float32]:
        """Normalize `(h, w, 3)` uint8 RGB of the contract's crop size."""
        tensor = np.empty(self.shape, dtype=np.float32) if out is None else out
        for at, channel in enumerate(self._channels):
            target = tensor[at] if self._planar else tensor[:, :, at]
            # Every uint8 is a valid index; "clip" only spares numpy the buffering that "raise" needs.
            np.take(self._table[at], pixels[:, :, channel], out=target, mode="clip")
        return tensor
