"""Pillow's antialiased resampling, bit for bit, in numpy; by Pillow itself where it is installed.

The algorithm is Pillow's `ImagingResample` for 8-bit channels (src/libImaging/Resample.c): one weight for each tap from
the kernel, stretched by the scale when shrinking; weights normalized in float64 and rounded to 22-bit fixed point; a
pass over columns and one over rows in the order of `_order`, each rounded and clipped to 8 bits; a pass left out where
the size stays.
"""

from __future__ import annotations

import functools
import math
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from edge_runtime.image.geometry import Box

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

    from edge_runtime.preprocessing.image import Kernel

_Pixels: TypeAlias = "npt.NDArray[np.uint8]"

_PRECISION_BITS = 32 - 8 - 2
_SUPPORT: dict[Kernel, float] = {"bilinear": 1.0, "bicubic": 2.0}
_BLOCK = 16
"""Outputs computed in one product: more waste work on zero weights, fewer spend more time in calls."""

_STRIP_VALUES = 1 << 16
"""Values that a pass over columns turns into float64 at a time: they stay in the cache, however large the photo."""

_PRODUCT = 1 << 18
"""Most multiplications of one matrix product. OpenBLAS would spread a larger one over every core, whose threads then
spin while they wait for the next: a photo took twice the CPU time and more."""


def resize_image(
    image: _Pixels | Image.Image, size: tuple[int, int], kernel: Kernel, box: Box | None = None
) -> _Pixels:
    """Resize `(H, W, 3)` uint8, or an RGB image of Pillow's, to `size` = (width, height), and return `box` of it.

    What lies outside of `box` is computed only as far as the inside needs it. An array that has this size already is
    returned as a view.
    """
    box = box or (0, 0, *size)
    if not isinstance(image, np.ndarray):
        return _resize_pillow(image, size, kernel, box)
    if (image.shape[1], image.shape[0]) == size:
        return image[box[1] : box[3], box[0] : box[2]]
    if image.strides[2] < 0:  # BGR seen as RGB: channels do not mix here, so copy nothing to turn them round
        return resize_image(image[:, :, ::-1], size, kernel, box)[:, :, ::-1]
    pillow = _pillow()
    if pillow is None:
        return resize_numpy(image, size, kernel, box)
    return _resize_pillow(pillow.fromarray(image), size, kernel, box)


def _resize_pillow(image: Image.Image, size: tuple[int, int], kernel: Kernel, box: Box) -> _Pixels:
    from PIL.Image import Resampling

    resample = Resampling.BILINEAR if kernel == "bilinear" else Resampling.BICUBIC
    # One axis a call: the order of a call's two passes is Pillow's own affair, and version 13 changed it. Between
    # them, what the box leaves out is cut away. (Pillow's own `box` would place the kernel otherwise.)
    for rows in _order(image.size, size):
        width, height = image.size
        image = image.resize((width, size[1]) if rows else (size[0], height), resample)  # a copy where it has that size
        part = (0, box[1], width, box[3]) if rows else (box[0], 0, box[2], height)
        if part != (0, 0, *image.size):
            image = image.crop(part)
    return np.asarray(image)


def _order(before: tuple[int, int], after: tuple[int, int]) -> tuple[bool, bool]:
    """Return whether the first and the second pass are over rows; sizes are (width, height).

    Columns come first, unless the height shrinks by more than twice as many pixels as the width (Pillow 13's rule).
    """
    rows_first = before[1] - after[1] > max(0, 2 * (before[0] - after[0]))
    return rows_first, not rows_first


@functools.cache
def _pillow() -> ModuleType | None:
    try:
        from PIL import Image
    except ImportError:
        return None
    return Image


def resize_numpy(image: _Pixels, size: tuple[int, int], kernel: Kernel, box: Box | None = None) -> _Pixels:
    """Resize `(H, W, 3)` uint8 to `size` = (width, height) with numpy alone, and return `box` of it."""
    left, top, right, bottom = box or (0, 0, *size)
    height, width, _ = image.shape
    columns, rows = _pass(width, size[0], kernel, left, right), _pass(height, size[1], kernel, top, bottom)
    image = image[rows.low : rows.high, columns.low : columns.high]
    for over_rows in _order((width, height), size):
        if over_rows and rows.blocks:
            image = _over_rows(image, rows)
        elif not over_rows and columns.blocks:
            image = _over_columns(image, columns)
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


class _Pass(NamedTuple):
    """What one axis needs: which inputs, and the weights of its outputs in blocks of neighbors."""

    low: int
    high: int
    """The inputs `low:high` are needed."""
    blocks: tuple[tuple[int, int, npt.NDArray[np.float64]], ...]
    """First input counted from `low`, first output counted from the box, weights (outputs, inputs); none where the
    size stays."""
    outputs: int
    """How many."""


@functools.lru_cache(maxsize=16)  # a camera has one size; up to a megabyte for each
def _pass(before: int, after: int, kernel: Kernel, start: int, stop: int) -> _Pass:
    """Return what the outputs `start:stop` of an axis take that goes from `before` to `after` pixels."""
    if before == after:
        return _Pass(start, stop, (), stop - start)
    first, fixed = _weights(before, after, kernel)
    taps = fixed.shape[1]
    low, high = int(first[start]), min(int(first[stop - 1]) + taps, before)
    blocks = []
    for begin in range(start, stop, _BLOCK):
        end = min(begin + _BLOCK, stop)
        begins = int(first[begin])
        ends = min(int(first[end - 1]) + taps, before)
        matrix = np.zeros((end - begin, ends - begins))
        for output in range(begin, end):
            offset = int(first[output]) - begins
            count = min(taps, ends - begins - offset)
            matrix[output - begin, offset : offset + count] = fixed[output, :count]
        blocks.append((begins - low, begin - start, matrix))
    return _Pass(low, high, tuple(blocks), stop - start)


# Products and sums of 8-bit values and 22-bit weights are whole numbers below 2**31, so float64 holds them exactly in
# whatever order a matrix product adds them, and int32 holds them too.
def _to_pixels(sums: npt.NDArray[np.float64], out: _Pixels) -> None:
    """Scale fixed-point sums back, rounded and clipped to 0..255."""
    whole = sums.astype(np.int32)
    whole += 1 << (_PRECISION_BITS - 1)
    whole >>= _PRECISION_BITS
    np.clip(whole, 0, 255, out=out, casting="unsafe")


def _over_columns(image: _Pixels, columns: _Pass) -> _Pixels:
    """Return `(H, outputs, 3)`, a view of `(H, 3, outputs)`: values of one channel side by side are quick to read."""
    height, before, channels = image.shape
    planes = image.transpose(0, 2, 1)
    result = np.empty((height, channels, columns.outputs), dtype=np.uint8)
    largest = max(matrix.size for _, _, matrix in columns.blocks)
    strip = min(height, max(1, min(_STRIP_VALUES // before, _PRODUCT // largest) // channels))
    # Made once: new memory for every strip would take longer than the products.
    inputs = np.empty((strip, channels, before))
    sums = np.empty((strip * channels, columns.outputs))
    for top in range(0, height, strip):
        rows = min(strip, height - top)
        inputs[:rows] = planes[top : top + rows]
        lines = inputs.reshape(-1, before)[: rows * channels]
        for low, start, matrix in columns.blocks:
            count, taken = matrix.shape
            part = sums[: rows * channels, start : start + count]
            np.matmul(lines[:, low : low + taken], matrix.T, out=part)
        _to_pixels(sums[: rows * channels], result[top : top + rows].reshape(-1, columns.outputs))
    return result.transpose(0, 2, 1)


def _over_rows(image: _Pixels, rows: _Pass) -> _Pixels:
    """Return `(outputs, W, 3)`, laid out as `image` is."""
    planar = image.strides[1] == 1
    if planar:
        image = image.transpose(0, 2, 1)
    lines = image.reshape(len(image), -1)
    result = np.empty((rows.outputs, lines.shape[1]), dtype=np.uint8)
    for low, start, matrix in rows.blocks:
        count, taken = matrix.shape
        step = max(1, _PRODUCT // matrix.size)
        for left in range(0, lines.shape[1], step):
            part = lines[low : low + taken, left : left + step].astype(np.float64)
            _to_pixels(matrix @ part, result[start : start + count, left : left + step])
    image = result.reshape(rows.outputs, *image.shape[1:])
    return image.transpose(0, 2, 1) if planar else image
