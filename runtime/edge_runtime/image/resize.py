"""Pillow's antialiased resampling, bit for bit, in numpy; by Pillow itself where it is installed.

The algorithm is Pillow's `ImagingResample` for 8-bit channels (src/libImaging/Resample.c): one weight for each tap from
the kernel, stretched by the scale when shrinking; weights normalized in float64 and rounded to 22-bit fixed point; a
pass over columns and one over rows in the order of `_steps`, each rounded and clipped to 8 bits; a pass left out where
the size stays.
"""

from __future__ import annotations

import functools
import math
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from edge_runtime.errors import InputError
from edge_runtime.preprocessing import MAX_SIDE, Kernel, Resize

if TYPE_CHECKING:
    from PIL import Image

Pixels = npt.NDArray[np.uint8]

_PRECISION_BITS = 32 - 8 - 2
_SUPPORT: dict[Kernel, float] = {"bilinear": 1.0, "bicubic": 2.0}
_BLOCK = 16
"""Outputs computed in one product: more waste work on zero weights, fewer spend more time in calls."""

_STRIP_VALUES = 1 << 18
"""Values that a pass over columns turns into float64 at a time, so that a photo takes megabytes and not hundreds."""


def resized_size(width: int, height: int, rule: Resize) -> tuple[int, int]:
    """Return (width, height) in pixels that an image of this size is resized to.

    Raises:
        InputError: the image is so long and narrow that its longer side would pass 8192 pixels.
    """
    if rule.rule == "exact":
        return rule.width, rule.height
    short, long = sorted((width, height))
    other = int(rule.width * long / short)
    if other > MAX_SIDE:
        raise InputError(
            f"an image of {width}x{height} pixels: its longer side would become {other}, over {MAX_SIDE}; crop it"
        )
    return (rule.width, other) if width <= height else (other, rule.width)


def center_crop(image: Pixels, width: int, height: int) -> Pixels:
    """Return the view of the middle `height` x `width` pixels, placed as torchvision places it."""
    top = round((image.shape[0] - height) / 2.0)
    left = round((image.shape[1] - width) / 2.0)
    return image[top : top + height, left : left + width]


def resize_image(image: Pixels | Image.Image, size: tuple[int, int], kernel: Kernel) -> Pixels:
    """Resize `(H, W, 3)` uint8, or an RGB image of Pillow's, to `size` = (width, height).

    An array that has this size already is returned as it is.
    """
    if not isinstance(image, np.ndarray):
        return _resize_pillow(image, size, kernel)
    if (image.shape[1], image.shape[0]) == size:
        return image
    if image.strides[2] < 0:  # BGR seen as RGB: channels do not mix here, so copy nothing to turn them round
        return resize_image(image[:, :, ::-1], size, kernel)[:, :, ::-1]
    pillow = _pillow()
    if pillow is None:
        return resize_numpy(image, size, kernel)
    return _resize_pillow(pillow.fromarray(image), size, kernel)


def _resize_pillow(image: Image.Image, size: tuple[int, int], kernel: Kernel) -> Pixels:
    from PIL.Image import Resampling

    resample = Resampling.BILINEAR if kernel == "bilinear" else Resampling.BICUBIC
    # One axis a call: the order of a call's two passes is Pillow's own affair, and version 13 changed it.
    for step in _steps(image.size, size):
        image = image.resize(step, resample)
    return np.asarray(image)


def _steps(before: tuple[int, int], after: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the sizes (width, height) after each pass, of which none leaves the size as it was.

    Columns come first, unless the height shrinks by more than twice as many pixels as the width (Pillow 13's rule).
    """
    vertical_first = before[1] - after[1] > max(0, 2 * (before[0] - after[0]))
    middle = (before[0], after[1]) if vertical_first else (after[0], before[1])
    return [step for step, previous in ((middle, before), (after, middle)) if step != previous]


@functools.cache
def _pillow() -> ModuleType | None:
    try:
        from PIL import Image
    except ImportError:
        return None
    return Image


def resize_numpy(image: Pixels, size: tuple[int, int], kernel: Kernel) -> Pixels:
    """Resize `(H, W, 3)` uint8 to `size` = (width, height) with numpy alone."""
    for width, height in _steps((image.shape[1], image.shape[0]), size):
        image = _horizontal(image, width, kernel) if width != image.shape[1] else _vertical(image, height, kernel)
    return image


def _kernel_weight(x: npt.NDArray[np.float64], kernel: Kernel) -> npt.NDArray[np.float64]:
    x = np.abs(x)
    if kernel == "bilinear":
        return np.where(x < 1.0, 1.0 - x, 0.0)
    a = -0.5
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    far = (((x - 5.0) * x + 8.0) * x - 4.0) * a
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


def _weights(before: int, after: int, kernel: Kernel) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return for each output its first input (after,) and its fixed-point weights (after, taps)."""
    scale = before / after
    stretch = max(scale, 1.0)
    support = _SUPPORT[kernel] * stretch
    taps = math.ceil(support) * 2 + 1
    center = (np.arange(after) + 0.5) * scale
    first = np.maximum((center - support + 0.5).astype(np.int64), 0)
    last = np.minimum((center + support + 0.5).astype(np.int64), before)
    at = np.arange(taps)
    weights = _kernel_weight((at + first[:, None] - center[:, None] + 0.5) * (1.0 / stretch), kernel)
    weights[at >= (last - first)[:, None]] = 0.0
    # Summed tap by tap, as Pillow does: another order would round otherwise.
    total = np.zeros(after)
    for tap in range(taps):
        total += weights[:, tap]
    weights = np.divide(weights, total[:, None], out=weights, where=total[:, None] != 0.0)
    fixed = np.trunc(weights * (1 << _PRECISION_BITS) + np.where(weights < 0, -0.5, 0.5)).astype(np.int64)
    return first, fixed


@functools.lru_cache(maxsize=16)  # a camera has one size; up to a megabyte for each
def _blocks(before: int, after: int, kernel: Kernel) -> list[tuple[int, int, int, npt.NDArray[np.float64]]]:
    """Return (output, first input, last input, weights (inputs, outputs)) for each block of neighboring outputs."""
    first, fixed = _weights(before, after, kernel)
    taps = fixed.shape[1]
    blocks = []
    for start in range(0, after, _BLOCK):
        stop = min(start + _BLOCK, after)
        low, high = int(first[start]), min(int(first[stop - 1]) + taps, before)
        matrix = np.zeros((high - low, stop - start))
        for output in range(start, stop):
            offset = int(first[output]) - low
            count = min(taps, high - low - offset)
            matrix[offset : offset + count, output - start] = fixed[output, :count]
        blocks.append((start, low, high, matrix))
    return blocks


def _round(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Scale fixed-point sums back, rounded and clipped to 0..255."""
    sums += 1 << (_PRECISION_BITS - 1)
    sums *= 1.0 / (1 << _PRECISION_BITS)
    np.floor(sums, out=sums)
    return np.clip(sums, 0.0, 255.0, out=sums)


# Products and sums of 8-bit values and 22-bit weights are whole numbers below 2**53, so float64 holds them exactly in
# whatever order a matrix product adds them.
def _horizontal(image: Pixels, width: int, kernel: Kernel) -> Pixels:
    height, before, channels = image.shape
    result = np.empty((height, width, channels), dtype=np.uint8)
    blocks = _blocks(before, width, kernel)
    strip = max(1, _STRIP_VALUES // (before * channels))
    for top in range(0, height, strip):
        rows = image[top : top + strip].transpose(0, 2, 1).astype(np.float64)
        for start, low, high, matrix in blocks:
            part = _round(rows[:, :, low:high] @ matrix)
            result[top : top + strip, start : start + matrix.shape[1]] = part.transpose(0, 2, 1)
    return result


def _vertical(image: Pixels, height: int, kernel: Kernel) -> Pixels:
    before, width, channels = image.shape
    rows = image.reshape(before, width * channels)
    result = np.empty((height, width * channels), dtype=np.uint8)
    for start, low, high, matrix in _blocks(before, height, kernel):
        result[start : start + matrix.shape[1]] = _round(matrix.T @ rows[low:high].astype(np.float64))
    return result.reshape(height, width, channels)
