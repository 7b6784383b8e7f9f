"""optimum's graph with ONNX Runtime's own attention and GELU in place of what they were written out as."""

from typing import TYPE_CHECKING, cast

from edge_export.capture.exporters.optimum import export_by_optimum
from edge_export.capture.torch_module import anonymize, quiet_exporter
from edge_runtime.errors import InputError
from edge_runtime.preprocessing import TextPreprocessing

if TYPE_CHECKING:
    import onnx

    from edge_export.text_networks.network import TextNetwork

FUSED = "MultiHeadAttention"
"""Queries, keys and values stay products of their own, which int8 recipes take; `Attention` would hide them (MiniLM's
int8 took 1.5 times as long so)."""
LEFT_OUT = ("embed_layer_norm", "skip_layer_norm", "bias_skip_layer_norm", "bias_gelu", "gelu_approximation")
"""Fusions whose kernels are slower on CPUs, hide a bias from a product's int8 kernel, or change answers."""


def export_fused(network: "TextNetwork", contract: TextPreprocessing) -> "onnx.ModelProto":
    """Export a text network by optimum and fuse its attention.

    Raises:
        InputError: optimum cannot express it, or no attention was recognized.
        MachineError: optimum-onnx is not installed.
    """
    from onnxruntime.transformers.fusion_options import FusionOptions
    from onnxruntime.transformers.optimizer import optimize_model

    model, settings = export_by_optimum(network, contract), network.encoder.config
    options = FusionOptions("bert")
    options.use_multi_head_attention = True
    for name in LEFT_OUT:
        setattr(options, f"enable_{name}", False)
    heads, width = (int(getattr(settings, name, 0)) for name in ("num_attention_heads", "hidden_size"))
    with quiet_exporter():
        fused = optimize_model(
            model, model_type="bert", num_heads=heads, hidden_size=width, optimization_options=options, opt_level=0
        ).model
    if all(node.op_type != FUSED for node in fused.graph.node):
        raise InputError(f"ONNX Runtime recognizes no attention in {type(network.encoder).__name__}")
    return anonymize(cast("onnx.ModelProto", fused))
