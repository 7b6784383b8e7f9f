"""From whatever a caller has (path, bytes, Pillow image, array) to 8-bit RGB pixels, or one clear error."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from edge_runtime.errors import EdgeError, InputError, MachineError
from edge_runtime.image.geometry import draft_scale
from edge_runtime.preprocessing.image import ImagePreprocessing

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL import Image

_Pixels: TypeAlias = "npt.NDArray[np.uint8]"

MAX_PIXELS = 89_478_485
"""Largest image that is decoded, width times height: Pillow's own limit (256 MiB of RGB), held as an error."""
_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "PPM", "TIFF", "MPO", "JPEG2000", "AVIF", "TGA")
"""Tried by content. Not all that Pillow reads: some of its formats start other programs."""
_JPEG = b"\xff\xd8\xff"
_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""


def decode_image(x: Any, contract: ImagePreprocessing, *, color: str | None = None) -> _Pixels:
    """Return an input as `(H, W, 3)` uint8 RGB.

    Grayscale is repeated; transparency shows `contract.background`; CMYK and other color spaces are converted as Pillow
    does; 16-bit values keep their high byte; of an animation the first frame is taken; EXIF orientation is applied. A
    JPEG file is decoded at reduced scale where the contract's `draft` allows it.

    Args:
        x: A path, the bytes of a file, a `PIL.Image.Image`, or an `(H, W, 3)` uint8 array.
        contract: Gives `background` and `exif_orientation`, and with `draft` what is needed of a JPEG.
        color: `"rgb"` or `"bgr"`; required for an array and refused otherwise.

    Raises:
        InputError: the input is missing, unreadable, too large, or of another kind; the message names it.
        MachineError: the input needs Pillow, and it is not installed.
    """
    return np.asarray(open_image(x, contract, color=color))


def open_image(x: Any, contract: ImagePreprocessing, *, color: str | None = None) -> _Pixels | Image.Image:
    """Decode as `decode_image` does, but leave an RGB image in Pillow's hands: copying a photo out takes its time."""
    if isinstance(x, np.ndarray):
        return _from_array(x, color)
    if color is not None:
        raise InputError(
            f"{describe(x)}: color={color!r} is for arrays; files and Pillow images know theirs, leave it out"
        )
    image_module = sys.modules.get("PIL.Image")
    if image_module is not None and isinstance(x, image_module.Image):
        return _checked(x, contract, describe(x))
    if isinstance(x, (bytes, bytearray, memoryview)):
        return _from_file(io.BytesIO(x), contract, describe(x))
    if isinstance(x, (str, os.PathLike)):
        return _from_path(os.fspath(x), contract)
    raise InputError(f"{describe(x)}: cannot be an image; give a path, bytes, a PIL image or an (H, W, 3) uint8 array")


def describe(x: Any) -> str:
    """Name an input in an error message."""
    if isinstance(x, np.ndarray):
        return f"array {x.shape} {x.dtype}"
    if isinstance(x, (bytes, bytearray, memoryview)):
        return f"{len(x)} bytes beginning {bytes(x[:8])!r}"
    if isinstance(x, (str, os.PathLike)):
        return str(x)
    size, mode = getattr(x, "size", None), getattr(x, "mode", None)
    return f"image {size} {mode}" if mode is not None else type(x).__name__


def _from_array(array: npt.NDArray[Any], color: str | None) -> _Pixels:
    if array.ndim != 3 or array.shape[2] != 3:
        raise InputError(f"{describe(array)}: not (H, W, 3); turn the axes or repeat a gray channel three times")
    if array.dtype != np.uint8:
        raise InputError(f"{describe(array)}: not uint8; give values 0 to 255 as uint8, the contract does the scaling")
    if 0 in array.shape or array.shape[0] * array.shape[1] > MAX_PIXELS:
        raise InputError(f"{describe(array)}: 1 to {MAX_PIXELS} pixels are accepted; crop it or scale it down")
    if color not in ("rgb", "bgr"):
        raise InputError(
            f"{describe(array)}: color={color!r}; say color='rgb' or color='bgr': an array does not tell (OpenCV gives"
            " bgr, Pillow rgb), and a wrong guess would only show as worse answers"
        )
    return array if color == "rgb" else array[:, :, ::-1]


def _from_path(path: str, contract: ImagePreprocessing) -> Image.Image:
    try:
        if not os.path.isfile(path):  # a pipe would wait for ever
            raise InputError(f"{path}: no such file, or not a plain file; check the path")
        with open(path, "rb") as file:
            return _from_file(file, contract, path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be opened ({error}); check the path and its permissions") from error


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise MachineError(
            'an image file needs Pillow, which is missing; run: pip install "edge-runtime[image]"'
        ) from error
    return Image


def import_decoder() -> None:
    """Import what nearly every file needs, where Pillow is installed: a model does it while its session is made."""
    with contextlib.suppress(ImportError):
        import PIL.JpegImagePlugin  # noqa: F401


def _from_file(file: Any, contract: ImagePreprocessing, name: str) -> Image.Image:
    pillow = _pillow()
    if file.seek(0, io.SEEK_END) == 0:
        raise InputError(f"{name}: empty; give an image file")
    file.seek(0)
    try:
        with _open(pillow, file) as image:
            return _checked(image, contract, name, file=True)
    except EdgeError:
        raise
    except pillow.UnidentifiedImageError as error:
        raise InputError(f"{name}: not an image of a known format; give JPEG, PNG, WebP, BMP, GIF or TIFF") from error
    except Exception as error:  # Pillow's readers raise whatever a corrupt file makes them
        raise InputError(f"{name}: broken image ({_reason(error)}); replace the file") from error


def _open(pillow: Any, file: Any) -> Any:
    head = file.read(len(_JPEG))
    file.seek(0)
    if head == _JPEG:  # what Pillow would call too, after importing four other formats' readers
        from PIL.JpegImagePlugin import jpeg_factory

        return jpeg_factory(file)
    pillow.preinit()  # the five commonest formats; all of them takes much longer
    common = [name for name in _FORMATS if name in pillow.OPEN]
    try:
        return pillow.open(file, formats=common)
    except pillow.UnidentifiedImageError:
        pillow.init()
        others = [name for name in _FORMATS if name in pillow.OPEN and name not in common]
        if not others:
            raise
        file.seek(0)
        return pillow.open(file, formats=others)


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0] or type(error).__name__


def _checked(image: Any, contract: ImagePreprocessing, name: str, file: bool = False) -> Image.Image:
    width, height = image.size
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise InputError(f"{name}: {width}x{height} pixels; 1 to {MAX_PIXELS} pixels are accepted, scale it down")
    try:
        scale = jpeg_scale(image, contract) if file else 1  # a caller's image keeps its size
        if scale > 1:
            # Pillow takes the largest scale that leaves the image as large as it is asked for: with these sizes, this.
            image.draft(None, (width // scale, height // scale))
        image.load()
        if contract.exif_orientation:
            image = _upright(image)
        return _to_rgb(image, contract.background, name)
    except EdgeError:
        raise
    except Exception as error:  # as in _from_file: the pixels are decoded only here
        raise InputError(f"{name}: broken image ({_reason(error)}); replace the file") from error


def jpeg_scale(image: Image.Image, contract: ImagePreprocessing) -> int:
    """Return by how much an image opened from a file, and not decoded yet, is shrunk: 1 where it is no JPEG."""
    if not contract.draft or image.format not in ("JPEG", "MPO"):
        return 1
    width, height = image.size
    turned = contract.exif_orientation and _orientation(image) in _TURNED
    return draft_scale(*((height, width) if turned else (width, height)), contract)


def _orientation(image: Image.Image) -> Any:
    return image.getexif().get(_ORIENTATION, 1)


def _upright(image: Image.Image) -> Image.Image:
    """Turn the image as its EXIF orientation says (EXIF 2.32, tag 0x0112)."""
    from PIL.Image import Transpose

    methods = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    method = methods.get(_orientation(image))
    return image if method is None else image.transpose(method)


def _to_rgb(image: Image.Image, background: tuple[int, int, int], name: str) -> Image.Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode == "F":
        raise InputError(f"{name}: 32-bit float pixels have no fixed range; convert it to 8 or 16 bits")
    if image.mode.startswith("I"):
        return _from_16_bits(image, background, name)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        return _composite(image, background)
    return image.convert("RGB")


def _from_16_bits(image: Image.Image, background: tuple[int, int, int], name: str) -> Image.Image:
    """Keep the high byte, as Pillow itself does for 16-bit color; `I` is how older versions open 16-bit gray."""
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 0xFFFF:
        raise InputError(f"{name}: 32-bit pixels have no fixed range; convert it to 8 or 16 bits")
    pixels = np.repeat((values >> 8).astype(np.uint8)[:, :, None], 3, axis=2)
    pixels[values == image.info.get("transparency", -1)] = background
    return _pillow().fromarray(pixels)  # type: ignore[no-any-return]


def _composite(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """Lay the image over a plain color: `(alpha * pixel + (255 - alpha) * background) / 255`, rounded, by Pillow."""
    if image.mode in ("RGBa", "La"):  # premultiplied
        image = image.convert("RGBA" if image.mode == "RGBa" else "LA")
    image = image.convert("RGBA")
    canvas = _pillow().new("RGB", image.size, background)
    canvas.paste(image, mask=image.getchannel("A"))
    return canvas  # type: ignore[no-any-return]
