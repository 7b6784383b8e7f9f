"""Ways from a text network to an ONNX graph; `edge_export.exporter_race` keeps the one whose graph is fastest."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from edge_export.capture.exporters.fused import export_fused
from edge_export.capture.exporters.optimum import export_by_optimum
from edge_export.capture.torch_module import export_encoder
from edge_runtime.preprocessing import TextPreprocessing

if TYPE_CHECKING:
    import onnx

    from edge_export.text_networks.network import TextNetwork

Exporter = Callable[["TextNetwork", TextPreprocessing], "onnx.ModelProto"]
"""Raises InputError where it cannot express the network, and MachineError where its package is not installed."""

FIRST = "torch.onnx"
"""The one that every source is captured by: the others may be missing, and have to be faster."""

EXPORTERS: dict[str, Exporter] = {
    FIRST: export_encoder,
    "optimum": export_by_optimum,
    "optimum, fused": export_fused,
}


def rivals(network: "TextNetwork", contract: TextPreprocessing) -> "Mapping[str, Callable[[], onnx.ModelProto]]":
    """Return what the other exporters would make of a network, each made when it is called."""
    return {name: partial(export, network, contract) for name, export in EXPORTERS.items() if name != FIRST}
