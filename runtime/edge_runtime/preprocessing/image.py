"""The contract of images: how pixels are decoded, oriented, cut, resized and normalized."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

from edge_runtime._reading import require
from edge_runtime._values import dataclass

Kernel = Literal["bilinear", "bicubic"]
SizeRule = Literal["exact", "short_side"]

MAX_SIDE = 8192
"""Largest side of a resized image that a contract may ask for; a corrupt contract must not ask for all memory."""
MAX_NUMBER = 1e6
MAX_DRAFT = 8


@dataclass(frozen=True)
class Resize:
    """How an image is brought to size: Pillow 13's antialiased resampling, in integers (see `edge_runtime.image`)."""

    width: int
    """Pixels. For `short_side`, the length of the shorter side; `height` is then equal to it."""
    height: int
    rule: SizeRule = "short_side"
    """`exact`: to width x height, whatever the shape. `short_side`: the shorter side to `width`, the longer one to
    `int(width * long / short)`, which is torchvision's rule (it truncates; ONNX and others round)."""
    kernel: Kernel = "bicubic"


@dataclass(frozen=True)
class Region:
    """The part of the upright image that the model sees, as a fixed camera wants it.

    In shares of the sides, from 0 at the left and top to 1, so that another resolution of the camera, or a JPEG that
    was decoded at reduced scale, shows the same part.
    """

    left: float
    top: float
    right: float
    bottom: float

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return (left, top, right, bottom) in pixels of an image of this size; right and bottom are outside.

        Each edge goes to the nearest pixel, halves up: `int(share * side + 0.5)` in float64. At least a pixel stays.
        """
        left, right = _span(self.left, self.right, width)
        top, bottom = _span(self.top, self.bottom, height)
        return left, top, right, bottom


def _span(first: float, last: float, side: int) -> tuple[int, int]:
    start = min(int(first * side + 0.5), side - 1)
    return start, max(int(last * side + 0.5), start + 1)


@dataclass(frozen=True)
class ImagePreprocessing:
    """From an encoded or decoded image to one `(channels, height, width)` float32 tensor.

    The order of steps is fixed: decode, orientation, colors (8-bit RGB, transparency over `background`), region,
    resize, center crop, normalize. Normalization is `(value * scale - mean) / std` in float64 for each of the 256
    values and each channel, rounded once to float32, so it is a table and the same on every machine.
    """

    resize: Resize
    crop_width: int
    """Width of the center crop in pixels; equal to the tensor's width."""
    crop_height: int
    mean: tuple[float, float, float]
    """Of the tensor's channels, in the tensor's order (`color`), after `scale`."""
    std: tuple[float, float, float]
    scale: float = 1.0 / 255.0
    background: tuple[int, int, int] = (255, 255, 255)
    """What shows through transparent pixels, RGB."""
    exif_orientation: bool = True
    """Turn the image as its EXIF orientation says before anything else."""
    region: Region | None = None
    """The part that is resized; None for the whole image."""
    draft: int = 0
    """Decode JPEG files at 1/8, 1/4 or 1/2 of their size: the smallest at which the region is still `draft` times as
    large, on both axes, as what it is resized to. 0 decodes in full. Other inputs are as they are."""
    color: Literal["rgb", "bgr"] = "rgb"
    """Channel order of the model's tensor."""
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    kind: Literal["image"] = "image"

    @property
    def tensor_shape(self) -> tuple[int, int, int]:
        """Shape of one input of the model, without the batch axis."""
        if self.layout == "NCHW":
            return 3, self.crop_height, self.crop_width
        return self.crop_height, self.crop_width, 3

    def to_dict(self) -> dict[str, Any]:
        """Return the contract as a JSON-ready dictionary."""
        document = asdict(self)
        for name in ("mean", "std", "background"):
            document[name] = list(document[name])
        return document


def check_image(contract: ImagePreprocessing) -> None:
    """Check what types cannot say: ranges, and that the crop fits into every image that the resize can give.

    Raises:
        SchemaError: with the field's dotted name and the value.
    """
    resize = contract.resize
    for name in ("width", "height"):
        side, crop = getattr(resize, name), getattr(contract, f"crop_{name}")
        require(1 <= side <= MAX_SIDE, f"preprocessing.resize.{name}", side, f"1 to {MAX_SIDE} pixels")
        require(1 <= crop <= side, f"preprocessing.crop_{name}", crop, f"1 to the resized {name}, {side}")
    square = resize.rule == "exact" or resize.width == resize.height
    require(square, "preprocessing.resize.height", resize.height, f"short_side needs height = width = {resize.width}")
    for at in range(3):
        mean, std, value = contract.mean[at], contract.std[at], contract.background[at]
        require(abs(mean) <= MAX_NUMBER, f"preprocessing.mean[{at}]", mean, f"within {MAX_NUMBER:g} of 0")
        require(1 / MAX_NUMBER <= std <= MAX_NUMBER, f"preprocessing.std[{at}]", std, "a positive number")
        require(0 <= value <= 255, f"preprocessing.background[{at}]", value, "0 to 255")
    if (region := contract.region) is not None:
        for low, high in (("left", "right"), ("top", "bottom")):
            start, stop = getattr(region, low), getattr(region, high)
            require(0 <= start < stop, f"preprocessing.region.{low}", start, f"0 to less than {high}, {stop}")
            require(stop <= 1, f"preprocessing.region.{high}", stop, "a share of the side, at most 1")
    require(0 <= contract.draft <= MAX_DRAFT, "preprocessing.draft", contract.draft, f"0 (off) to {MAX_DRAFT}")
    require(1 / MAX_NUMBER <= contract.scale <= MAX_NUMBER, "preprocessing.scale", contract.scale, "a positive number")
