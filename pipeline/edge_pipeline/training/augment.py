"""Random changes to a training image, in front of the preprocessing contract."""

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edge_pipeline.training.config import Augment
from edge_runtime.preprocessing import ImagePreprocessing, Resize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.uint8]


def item_seed(*parts: int) -> int:
    """Mix numbers such as (seed, epoch, index) into one 63-bit seed, the same on every machine."""
    digest = hashlib.sha256(",".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


@dataclass(frozen=True)
class Augmentation:
    """torchvision's random resized crop, and perhaps a flip; the resize itself is left to the contract."""

    scale: tuple[float, float]
    """Smallest and largest share of the area."""
    of_square: bool
    """The area meant is that of the largest square in the image, which is what evaluation looks at, not the image's."""
    ratio: tuple[float, float]
    """Smallest and largest width over height."""
    flip: bool
    """Mirror every second image."""

    def apply(self, image: "Image", seed: int) -> "Image":
        """Return a part of `image`, `(H, W, 3)` uint8, chosen by `seed` alone."""
        import torch
        from torchvision.transforms import RandomResizedCrop

        height, width = image.shape[:2]
        # Forked, so that reading in the main process leaves the training's own random numbers alone.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            shape_only = torch.empty(1).expand(3, height, width)
            unit = min(height, width) ** 2 / (height * width) if self.of_square else 1.0
            scale = [share * unit for share in self.scale]
            top, left, rows, columns = RandomResizedCrop.get_params(shape_only, scale, list(self.ratio))
            mirrored = self.flip and bool(torch.rand(()) < 0.5)
        cropped = image[top : top + rows, left : left + columns]
        return np.ascontiguousarray(cropped[:, ::-1] if mirrored else cropped)

    def contract(self, evaluation: ImagePreprocessing) -> ImagePreprocessing:
        """Return the contract of a training image: the crop is brought to size whole, whatever its shape."""
        width, height = evaluation.crop_width, evaluation.crop_height
        return replace(evaluation, resize=Resize(width, height, "exact", evaluation.resize.kernel))


AUGMENTATIONS: dict[Augment, Augmentation | None] = {
    "none": None,
    "light": Augmentation(scale=(0.7, 1.0), of_square=True, ratio=(0.9, 1.1), flip=False),
    # The values of torchvision's ImageNet recipe.
    "standard": Augmentation(scale=(0.08, 1.0), of_square=False, ratio=(3 / 4, 4 / 3), flip=True),
}
