"""A run of `edge train` to ONNX."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from edge_export.architectures import create_network
from edge_export.capture.exporters import rivals
from edge_export.capture.interface import Captured, SourceOptions
from edge_export.capture.parity import check_parity
from edge_export.capture.torch_module import eager, export_encoder, export_module
from edge_export.inputs import parity_batches
from edge_export.run import TOKENIZER_FILE, WEIGHTS_FILE, Run, is_run, read_run
from edge_export.text_networks import build_text_network
from edge_runtime.errors import InputError
from edge_runtime.preprocessing import TextPreprocessing

if TYPE_CHECKING:
    import onnx
    from torch import nn

    from edge_export.text_networks.network import TextNetwork

PRIVATE = ("weights", "group")
"""Choices of a training that stay out of the bundle: a path on the customer's machine, and a pattern made of what
their files are called. `base_weights` names the weights without the path."""


def recognizes_run(source: str) -> bool:
    """Tell whether `source` is the directory that `edge train` wrote."""
    return is_run(Path(source))


def capture_run(source: str, options: SourceOptions) -> Captured:
    """Bring the run in the directory `source` to ONNX.

    Raises:
        InputError: the run is unreadable, or its weights are not those that it names, or the user says something else.
        RefusedError: the graph does not answer as the network does.
    """
    directory = Path(source)
    run = read_run(directory)
    if options.preprocessing or options.weights or options.input or options.output or options.hold:
        raise InputError(
            f"{directory}: a run has its own weights and preprocessing; leave out --weights, --preprocess, "
            "--input-name, --output-name and --hold"
        )
    if options.pooling or options.max_length:
        raise InputError(f"{directory}: a run was trained so; leave out --pooling and --max-length")
    module = load_network(directory, run)
    contract = run.preprocessing
    files: dict[str, bytes] = {}
    others: Mapping[str, Callable[[], onnx.ModelProto]] = {}
    if isinstance(contract, TextPreprocessing):
        contract = replace(contract, truncation=options.truncation or contract.truncation)
        model = export_encoder(module, contract)
        files[contract.tokenizer] = read_tokenizer(directory, contract)
        others = rivals(cast("TextNetwork", module), contract)
    else:
        model = export_module(module, contract.tensor_shape)
    reference = eager(module)
    parity = check_parity(model, reference, parity_batches(contract))
    provenance = {
        "source": "run",
        "architecture": run.architecture,
        "run_weights_sha256": run.weights_sha256,
        "base_weights": run.weights_source,
        "training": _choices(run),
        "training_metrics": run.metrics,
    }
    return Captured(model, reference, parity, run.labels, run.task, contract, provenance, files=files, rivals=others)


def _choices(run: Run) -> dict[str, Any]:
    """Return the choices of a training without what is private; an encoder's directory goes by its name alone."""
    told = {name: value for name, value in run.config.items() if name not in PRIVATE}
    if isinstance(run.preprocessing, TextPreprocessing) and run.weights_source.get("kind") == "file":
        told["model"] = run.weights_source["name"]
    return told


def load_network(directory: Path, run: Run) -> "nn.Module":
    """Build the run's network and load its trained weights.

    Raises:
        InputError: the weights file is missing, changed, or does not fit the architecture.
    """
    from safetensors.torch import load

    file = directory / WEIGHTS_FILE
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot read the run's weights ({error.strerror}); train again") from error
    found = hashlib.sha256(content).hexdigest()
    if found != run.weights_sha256:
        raise InputError(
            f"{file}: SHA-256 {found[:12]}... is not the {run.weights_sha256[:12]}... that the run names; train again"
        )
    module: nn.Module
    if isinstance(run.preprocessing, TextPreprocessing):
        module = build_text_network(run.network, run.preprocessing.pad_id)
    else:
        module = create_network(run.architecture, len(run.labels)).module
    try:
        module.load_state_dict(load(content))
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(
            f"{file}: does not fit {run.architecture} with {len(run.labels)} labels ({reason}); train again"
        ) from error
    return module


def read_tokenizer(directory: Path, contract: TextPreprocessing) -> bytes:
    """Return the bytes of a run's tokenizer.

    Raises:
        InputError: it is missing or changed.
    """
    file = directory / TOKENIZER_FILE
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot read the run's tokenizer ({error.strerror}); train again") from error
    if hashlib.sha256(content).hexdigest() != contract.tokenizer_sha256:
        raise InputError(f"{file}: is not the tokenizer that the run was trained with; train again")
    return content
