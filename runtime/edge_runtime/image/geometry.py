"""Sizes and boxes: which part of an image is looked at, to what size it is brought, how far a decoder may shrink it."""

from __future__ import annotations

from edge_runtime.errors import InputError
from edge_runtime.preprocessing.image import MAX_SIDE, ImagePreprocessing, Resize

Box = tuple[int, int, int, int]
"""(left, top, right, bottom) in pixels; right and bottom are outside."""


def resized_size(width: int, height: int, rule: Resize) -> tuple[int, int]:
    """Return (width, height) in pixels that an image of this size is resized to.

    Raises:
        InputError: the image is so long and narrow that its longer side would pass 8192 pixels.
    """
    size = _resized(width, height, rule)
    if max(size) > MAX_SIDE:
        raise InputError(
            f"an image of {width}x{height} pixels: its longer side would become {max(size)}, over {MAX_SIDE}; crop it"
        )
    return size


def _resized(width: int, height: int, rule: Resize) -> tuple[int, int]:
    if rule.rule == "exact":
        return rule.width, rule.height
    short, long = sorted((width, height))
    other = int(rule.width * long / short)
    return (rule.width, other) if width <= height else (other, rule.width)


def center_box(size: tuple[int, int], width: int, height: int) -> Box:
    """Return the middle `width` x `height` of an image of `size` = (width, height), placed as torchvision places it."""
    left, top = round((size[0] - width) / 2.0), round((size[1] - height) / 2.0)
    return left, top, left + width, top + height


def region_box(width: int, height: int, contract: ImagePreprocessing) -> Box:
    """Return the part of an upright image of this size that the contract looks at."""
    return (0, 0, width, height) if contract.region is None else contract.region.box(width, height)


def draft_scale(width: int, height: int, contract: ImagePreprocessing) -> int:
    """Return by how much a JPEG decoder shrinks an upright image of this size: 8, 4, 2, or 1 for not at all.

    It is the largest at which `region // scale >= draft * resized` holds for width and height, both taken of the full
    image. The decoder then gives `ceil(side / scale)` pixels, and every later step begins from them.
    """
    left, top, right, bottom = region_box(width, height, contract)
    sides = right - left, bottom - top
    wanted = [side * contract.draft for side in _resized(*sides, contract.resize)]
    fits = (by for by in (8, 4, 2) if all(side // by >= want for side, want in zip(sides, wanted, strict=True)))
    return next(fits, 1) if contract.draft else 1
