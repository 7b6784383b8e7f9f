"""What every source that is a torch module shares: weights from a file, the export, and parity."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_export.capture.interface import Captured, SourceOptions
from edge_export.capture.labels import labels_for
from edge_export.capture.parity import check_parity
from edge_export.capture.preprocess_spec import describe_preprocessing
from edge_export.capture.torch_module import eager, export_module
from edge_export.inputs import parity_batches
from edge_export.state_dict import read_state
from edge_runtime.errors import InputError
from edge_runtime.preprocessing import ImagePreprocessing

if TYPE_CHECKING:
    from torch import nn


def capture_module(
    source: str, module: "nn.Module", contract: ImagePreprocessing, options: SourceOptions, provenance: dict[str, Any]
) -> Captured:
    """Bring a module in evaluation mode to ONNX.

    Raises:
        InputError: it takes or gives something else than images and logits, or labels and outputs differ in number.
        RefusedError: the graph does not answer as the module does.
    """
    if options.input or options.output or options.hold:
        raise InputError(
            f"{source}: a torch module has one input and one output here; leave out --input-name, --output-name, --hold"
        )
    reference = eager(module)
    classes = _count_classes(source, reference, contract)
    labels = labels_for(source, options.labels, classes)
    model = export_module(module, contract.tensor_shape)
    parity = check_parity(model, reference, parity_batches(contract))
    notes = (f"preprocessing taken: {describe_preprocessing(contract)}",)
    return Captured(model, reference, parity, labels, options.task, contract, provenance, notes)


def load_into(module: "nn.Module", path: Path) -> str:
    """Load a state dict that fits to the last tensor; return the file's SHA-256.

    Raises:
        InputError: the file cannot be read, or holds the weights of something else.
    """
    state = read_state(path)
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(f"{path}: not weights of {type(module).__name__} ({reason})") from error
    return sha256_of(path)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_weights_file(source: str, path: Path | None) -> Path:
    """Return the file that the user named.

    Raises:
        InputError: none was named, or there is none.
    """
    if path is None:
        raise InputError(f"{source}: untrained without weights; give --weights FILE.safetensors (or .pth)")
    if not path.is_file():
        raise InputError(f"--weights {path}: no such file; give a .safetensors or .pth state dict")
    return path


def _count_classes(source: str, reference: Any, contract: ImagePreprocessing) -> int:
    try:
        answer = reference(np.zeros((2, *contract.tensor_shape), np.float32))
        shape = tuple(answer.shape)
    except Exception as error:  # a foreign module raises whatever it likes
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{source}: does not take a batch {(2, *contract.tensor_shape)} of images ({reason}); check --preprocess"
        ) from error
    if len(shape) != 2 or shape[0] != 2 or shape[1] < 2:
        raise InputError(f"{source}: answers {shape} for 2 images; a classifier gives (2, classes) logits")
    return int(shape[1])
