"""An architecture by name with weights from a file: `timm:resnet18`, `torchvision:resnet18`."""

from edge_export.architectures import TORCHVISION, Network, create_network
from edge_export.capture.interface import Captured, SourceOptions
from edge_export.capture.module_source import capture_module, check_weights_file, load_into
from edge_export.capture.preprocess_spec import ImageInput, read_preprocessing
from edge_export.state_dict import read_state
from edge_runtime.errors import InputError

PREFIXES = {"timm:": "", "torchvision:": TORCHVISION}
"""How a user asks for a library, and what `create_network` calls it."""


def recognizes_named(source: str) -> bool:
    """Tell whether `source` names an architecture of a library."""
    return source.startswith(tuple(PREFIXES))


def capture_named(source: str, options: SourceOptions) -> Captured:
    """Build the architecture with as many answers as the weights have, and bring it to ONNX.

    Raises:
        InputError: the library has no such name, or the weights are missing or of another architecture.
        RefusedError: the graph does not answer as the network does.
    """
    weights = check_weights_file(source, options.weights)
    network = _build(source, options)
    digest = load_into(network.module, weights)
    contract = network.preprocessing()
    if options.preprocessing:
        size = network.size if network.fixed_size else None
        contract = read_preprocessing(options.preprocessing, ImageInput(size, size))
    provenance = {"source": source.partition(":")[0], "architecture": network.name, "weights_sha256": digest}
    return capture_module(source, network.module, contract, options, provenance)


def _build(source: str, options: SourceOptions) -> Network:
    library, _, name = source.partition(":")
    name = PREFIXES[f"{library}:"] + name
    weights = check_weights_file(source, options.weights)
    state = read_state(weights)
    head = create_network(name, 2).head
    rows = {len(state[key]) for key in (f"{head}.weight", f"{head}.bias") if key in state}
    if len(rows) != 1:
        raise InputError(
            f"{weights}: no {head}.weight, the classifier of {name}, in it; give the whole state dict of that network"
        )
    return create_network(name, rows.pop())
