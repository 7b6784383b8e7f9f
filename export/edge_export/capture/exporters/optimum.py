"""Hugging Face's optimum-onnx: a graph with every attention written out, which old ONNX Runtimes load too."""

import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.capture.torch_module import INPUT_NAME, OUTPUT_NAME, anonymize, quiet_exporter
from edge_runtime.errors import InputError, MachineError
from edge_runtime.preprocessing import TextPreprocessing

if TYPE_CHECKING:
    import onnx

    from edge_export.text_networks.network import TextNetwork

OPSET = 18
"""What optimum-onnx 0.1.0 takes for BERT by itself, and what the fusions of ONNX Runtime know."""


def export_by_optimum(network: "TextNetwork", contract: TextPreprocessing) -> "onnx.ModelProto":
    """Export a text network with free batch and length axes.

    Args:
        network: On an encoder of transformers.
        contract: Gives a token that is no padding.

    Raises:
        InputError: optimum cannot express it.
        MachineError: optimum-onnx is not installed.
    """
    import onnx

    try:
        from optimum.exporters.onnx import export  # pyright: ignore[reportMissingImports] - an extra
    except ImportError as error:
        raise MachineError('optimum-onnx is missing; run: pip install "edge-toolchain[optimum]"') from error
    settings = network.encoder.config
    with tempfile.TemporaryDirectory(prefix="edge-") as folder, warnings.catch_warnings(), quiet_exporter():
        warnings.simplefilter("ignore")
        file = Path(folder) / "model.onnx"
        try:
            export(_named(network), _describe(network, contract), file, opset=OPSET)
        except Exception as error:  # a foreign exporter raises whatever it likes
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(f"optimum cannot export {type(network.encoder).__name__}: {reason}") from error
        finally:
            network.encoder.config = settings
        return anonymize(onnx.load(file))


def _named(network: "TextNetwork") -> Any:
    """Return the network as optimum wants it: with a configuration, named input and outputs by name."""
    from torch import Tensor, nn

    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network, self.config = network, network.encoder.config

        def forward(self, input: Tensor) -> dict[str, Tensor]:
            return {OUTPUT_NAME: network(input)}

    return Named().eval()


def _describe(network: "TextNetwork", contract: TextPreprocessing) -> Any:
    """Return optimum's description of the network: axes, and inputs to trace it with."""
    import torch
    from optimum.exporters.onnx.config import (  # pyright: ignore[reportMissingImports] - an extra
        TextEncoderOnnxConfig,
    )
    from optimum.utils import NormalizedTextConfig  # pyright: ignore[reportMissingImports] - an extra

    example = torch.full((2, 7), (contract.pad_id + 1) % contract.vocabulary)
    with torch.inference_mode():
        each_token = network(example).ndim == 3

    class Description(TextEncoderOnnxConfig):  # type: ignore[misc]  # untyped
        NORMALIZED_CONFIG_CLASS = NormalizedTextConfig

        @property
        def inputs(self) -> dict[str, dict[int, str]]:
            return {INPUT_NAME: {0: "batch", 1: "length"}}

        @property
        def outputs(self) -> dict[str, dict[int, str]]:
            return {OUTPUT_NAME: {0: "batch", 1: "length"} if each_token else {0: "batch"}}

        def generate_dummy_inputs(self, framework: str = "pt", **_: Any) -> dict[str, Any]:
            return {INPUT_NAME: example}

    settings: Any = network.encoder.config
    return Description(settings, task="feature-extraction")
