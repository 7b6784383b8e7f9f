"""A Hugging Face directory with a classifier of images or texts, as `save_pretrained` writes it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.capture.huggingface_text import (
    TAGGER,
    TEXT_CLASSIFIER,
    capture_tagger,
    capture_text_classifier,
    capture_text_encoder,
)
from edge_export.capture.interface import Captured, SourceOptions
from edge_export.capture.module_source import capture_module, sha256_of
from edge_export.capture.preprocess_spec import IMAGENET_MEAN, IMAGENET_STD, ImageInput, read_preprocessing
from edge_runtime.errors import InputError, MachineError, SchemaError
from edge_runtime.preprocessing import ImagePreprocessing, Kernel, Resize, check_preprocessing

if TYPE_CHECKING:
    from torch import Tensor, nn

CONFIG_FILE = "config.json"
PROCESSOR_FILE = "preprocessor_config.json"
IMAGE_CLASSIFIER = "ForImageClassification"
"""What the names of transformers' image classifiers end in."""

KERNELS: dict[int, Kernel] = {2: "bilinear", 3: "bicubic"}
"""Pillow's numbers of resampling filters, as image processors store them."""


def recognizes_huggingface(source: str) -> bool:
    """Tell whether `source` is a directory with a model's `config.json`."""
    return (Path(source) / CONFIG_FILE).is_file()


def capture_huggingface(source: str, options: SourceOptions) -> Captured:
    """Bring the classifier in the directory `source` to ONNX; nothing is downloaded.

    Raises:
        InputError: the directory is unreadable or holds another kind of model.
        MachineError: transformers is not installed.
        RefusedError: the graph does not answer as the model does.
    """
    folder = Path(source)
    config = _read_json(folder / CONFIG_FILE)
    names = config.get("architectures") or ["no architecture"]
    if options.task == "text-embedding":
        return capture_text_encoder(source, options)
    if str(names[0]).endswith(TAGGER):
        return capture_tagger(source, options, labels_of_huggingface(source))
    if str(names[0]).endswith(TEXT_CLASSIFIER):
        return capture_text_classifier(source, options, labels_of_huggingface(source))
    if not str(names[0]).endswith(IMAGE_CLASSIFIER):
        raise InputError(
            f"{folder}: {names[0]} is no classifier of images (...{IMAGE_CLASSIFIER}) or texts (...{TEXT_CLASSIFIER}); "
            "for embeddings of texts give --task embedding"
        )
    if options.weights:
        raise InputError(f"{folder}: has its weights; leave out --weights")
    contract = _preprocessing(folder, options.preprocessing)
    module = _load(folder)
    labels = options.labels or labels_of_huggingface(source)
    weights = next(iter(sorted(folder.glob("*.safetensors"))), None)
    provenance = {
        "source": "huggingface",
        "architecture": names[0],
        "weights_sha256": sha256_of(weights) if weights else "",
    }
    said = SourceOptions(labels, options.task, input=options.input, output=options.output, hold=options.hold)
    return capture_module(source, module, contract, said, provenance)


def labels_of_huggingface(source: str) -> tuple[str, ...]:
    """Return the names that the model's configuration gives its outputs; nothing where they are mere numbers.

    Raises:
        InputError: the configuration cannot be read.
    """
    file = Path(source) / CONFIG_FILE
    named = _read_json(file).get("id2label") or {}
    try:
        labels = tuple(str(named[key]) for key in sorted(named, key=int))
    except (TypeError, ValueError) as error:
        raise InputError(f"{file}: id2label is not numbers to names ({error}); mend it or give --labels") from error
    return () if all(label == f"LABEL_{index}" for index, label in enumerate(labels)) else labels


def _load(folder: Path) -> "nn.Module":
    try:
        from transformers import AutoModelForImageClassification  # pyright: ignore[reportMissingImports] - an extra
    except ImportError as error:
        raise MachineError(
            f"{folder}: a Hugging Face model needs transformers, which is missing; run: "
            'pip install "edge-toolchain[huggingface]"'
        ) from error
    from torch import nn

    try:
        # Only safetensors: a pickle could run whatever it likes.
        model: nn.Module = AutoModelForImageClassification.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{folder}: transformers cannot load it ({reason})") from error

    class Logits(nn.Module):
        """The model as a function of one tensor."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixels: "Tensor") -> "Tensor":
            answer: Tensor = self.model(pixel_values=pixels).logits
            return answer

    return Logits().eval()


def _preprocessing(folder: Path, spec: str) -> ImagePreprocessing:
    """Return the user's contract, or the one that `preprocessor_config.json` describes."""
    if spec:
        return read_preprocessing(spec, ImageInput())
    document = _read_json(folder / PROCESSOR_FILE)
    try:
        contract = contract_of_processor(document)
        check_preprocessing(contract)
    except (KeyError, TypeError, ValueError, SchemaError) as error:
        raise InputError(
            f"{folder / PROCESSOR_FILE}: not understood ({error}); say what it does with --preprocess"
        ) from error
    return contract


def contract_of_processor(document: dict[str, Any]) -> ImagePreprocessing:
    """Translate an image processor's settings.

    Args:
        document: With `size` (`{"height", "width"}`, `{"shortest_edge"}` or a number), `crop_size` where it crops,
            `resample`, `rescale_factor`, `image_mean` and `image_std`.

    Raises:
        KeyError, TypeError, ValueError: a setting is missing, or nothing here does what it asks for.
    """
    size = document["size"]
    sides = size if isinstance(size, dict) else {"height": size, "width": size}
    exact = "height" in sides
    if not exact and "shortest_edge" not in sides:
        raise ValueError(f"size {size}")
    resize = Resize(
        int(sides["width"] if exact else sides["shortest_edge"]),
        int(sides["height"] if exact else sides["shortest_edge"]),
        "exact" if exact else "short_side",
        KERNELS[int(document.get("resample", 2))],
    )
    crop = document.get("crop_size") if document.get("do_center_crop") else None
    crop = crop if isinstance(crop, dict) or crop is None else {"height": crop, "width": crop}
    if crop is None and not exact:
        raise ValueError("a shortest edge and no crop, so its inputs have no fixed size")
    width, height = (int(crop[side]) if crop else getattr(resize, side) for side in ("width", "height"))
    scale = float(document.get("rescale_factor", 1 / 255)) if document.get("do_rescale", True) else 1.0
    normalized = document.get("do_normalize", True)
    mean = tuple(map(float, document.get("image_mean", IMAGENET_MEAN))) if normalized else (0.0, 0.0, 0.0)
    std = tuple(map(float, document.get("image_std", IMAGENET_STD))) if normalized else (1.0, 1.0, 1.0)
    if len(mean) != 3 or len(std) != 3:
        raise ValueError(f"image_mean {mean}, image_std {std}")
    return ImagePreprocessing(resize, width, height, mean, std, scale)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); save the model again with save_pretrained") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: an object is expected; save the model again with save_pretrained")
    return document
