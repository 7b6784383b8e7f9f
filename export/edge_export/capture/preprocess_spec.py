"""The preprocessing contract as a user writes it: a short form such as `imagenet:256,224,bicubic`, or a file."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import tomllib

from edge_runtime.errors import InputError, SchemaError
from edge_runtime.preprocessing import ImagePreprocessing, Kernel, Resize, check_preprocessing, preprocessing_from_dict

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Of ImageNet's training images in RGB, 0 to 1; what torchvision and most of timm normalize with."""
IMAGENET_CROP = 0.875
"""224 of 256: what torchvision's first weights were evaluated with."""

Layout = Literal["NCHW", "NHWC"]


@dataclass(frozen=True)
class ImageInput:
    """What a model says of the image that it takes."""

    height: int | None = None
    """None where the model takes any."""
    width: int | None = None
    layout: Layout = "NCHW"


def read_preprocessing(spec: str, image: ImageInput) -> ImagePreprocessing:
    """Return the contract that `spec` asks for; a short form takes what is left out from the model's own input.

    Args:
        spec: `imagenet[:RESIZE,CROP,KERNEL]`, `scale255[:SIZE]`, `raw[:SIZE]`, `timm:NAME`, or a `.json` or `.toml`
            file with the fields of `edge_runtime.preprocessing.ImagePreprocessing`; fields with a default may be left
            out.
        image: What the model takes.

    Raises:
        InputError: nothing of that name, a value out of range, or another size than the model takes.
    """
    if not spec:
        raise InputError(
            "this source does not say how images become its input; give --preprocess with one of "
            f"{', '.join(FORMS)} or a .json or .toml file (docs/sources.md)"
        )
    if Path(spec).suffix.lower() in (".json", ".toml"):
        contract = _read_file(Path(spec))
    else:
        name, _, arguments = spec.partition(":")
        if name not in FORMS:
            raise InputError(f"--preprocess {spec}: no such form; one of {', '.join(FORMS)}, or a .json or .toml file")
        contract = replace(
            FORMS[name](spec, [part for part in arguments.split(",") if part], image), layout=image.layout
        )
    try:
        check_preprocessing(contract)
    except SchemaError as error:
        raise InputError(f"--preprocess {spec}: {error}") from error
    _check_fit(spec, contract, image)
    return contract


def describe_preprocessing(contract: ImagePreprocessing) -> str:
    """Say in one line what a contract does."""
    resize = contract.resize
    size = f"{resize.width}x{resize.height}" if resize.rule == "exact" else f"shorter side {resize.width}"
    mean, std = (", ".join(f"{value:g}" for value in values) for values in (contract.mean, contract.std))
    return (
        f"{resize.kernel} resize to {size}, center crop {contract.crop_width}x{contract.crop_height}, "
        f"{contract.color.upper()} {contract.layout}, (value * {contract.scale:.6g} - ({mean})) / ({std})"
    )


def _read_file(path: Path) -> ImagePreprocessing:
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
        if not isinstance(document, dict):
            raise InputError(f"--preprocess {path}: an object with the contract's fields is expected")
        defaults = ImagePreprocessing(Resize(1, 1), 1, 1, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)).to_dict()
        needed = ("resize", "crop_width", "crop_height", "mean", "std")
        filled = {name: value for name, value in defaults.items() if name not in needed} | document
        if isinstance(document.get("resize"), dict):
            optional = {name: defaults["resize"][name] for name in ("rule", "kernel")}
            filled["resize"] = optional | document["resize"]
        contract = preprocessing_from_dict(filled)
        if not isinstance(contract, ImagePreprocessing):
            raise InputError(f"--preprocess {path}: kind={contract.kind!r}; a contract of images is expected")
        return contract
    except (OSError, ValueError, SchemaError) as error:
        raise InputError(f"--preprocess {path}: {error}") from error


def _imagenet(spec: str, arguments: Sequence[str], image: ImageInput) -> ImagePreprocessing:
    kernel: Kernel = "bilinear"
    if arguments and arguments[-1] in get_args(Kernel):
        kernel = "bicubic" if arguments[-1] == "bicubic" else "bilinear"
        arguments = arguments[:-1]
    if len(arguments) not in (0, 2):
        raise InputError(f"--preprocess {spec}: imagenet, imagenet:256,224 or imagenet:256,224,bicubic is expected")
    height, width = image.height or 224, image.width or 224
    if arguments:
        side, crop = (_pixels(spec, part) for part in arguments)
        height, width = image.height or crop, image.width or crop
        if (height, width) != (crop, crop):
            raise InputError(f"--preprocess {spec}: a crop of {crop}x{crop}, but the model takes {width}x{height}")
    else:
        side = int(max(height, width) / IMAGENET_CROP)
    return ImagePreprocessing(Resize(side, side, "short_side", kernel), width, height, IMAGENET_MEAN, IMAGENET_STD)


def _scaled(scale: float) -> Callable[[str, Sequence[str], ImageInput], ImagePreprocessing]:
    def form(spec: str, arguments: Sequence[str], image: ImageInput) -> ImagePreprocessing:
        height, width = image.height, image.width
        if arguments:
            height = width = _pixels(spec, arguments[0])
        if height is None or width is None:
            raise InputError(f"--preprocess {spec}: the model takes any size, so say which: {spec}:224")
        resize = Resize(width, height, "exact", "bilinear")
        return ImagePreprocessing(resize, width, height, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), scale)

    return form


def _timm(spec: str, arguments: Sequence[str], image: ImageInput) -> ImagePreprocessing:
    from edge_export.architectures import create_network

    if not arguments:
        raise InputError(f"--preprocess {spec}: timm:NAME is expected, such as timm:resnet18")
    network = create_network(arguments[0], 2)
    return network.preprocessing(image.height if image.height == image.width else None)


def _pixels(spec: str, text: str) -> int:
    if not text.isdecimal():
        raise InputError(f"--preprocess {spec}: {text!r} is no number of pixels")
    return int(text)


def _check_fit(spec: str, contract: ImagePreprocessing, image: ImageInput) -> None:
    if contract.layout != image.layout:
        raise InputError(f"--preprocess {spec}: layout {contract.layout}, but the model takes {image.layout}")
    takes = (image.width or contract.crop_width, image.height or contract.crop_height)
    if takes != (contract.crop_width, contract.crop_height):
        raise InputError(
            f"--preprocess {spec}: gives {contract.crop_width}x{contract.crop_height} pixels, "
            f"but the model takes {takes[0]}x{takes[1]}"
        )


FORMS: dict[str, Callable[[str, Sequence[str], ImageInput], ImagePreprocessing]] = {
    "imagenet": _imagenet,
    "scale255": _scaled(1.0 / 255.0),
    "raw": _scaled(1.0),
    "timm": _timm,
}
"""Name of a short form to what makes a contract of its arguments."""
