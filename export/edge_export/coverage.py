"""Which operators really run in int8: read from the graph that ONNX Runtime executes, not from the file."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.session import import_onnxruntime

INT8_COMPUTE = frozenset(
    {
        "ConvInteger",
        "DynamicQuantizeLSTM",
        "DynamicQuantizeMatMul",
        "MatMulInteger",
        "MatMulIntegerToFloat",
        "QAttention",
        "QGemm",
        "QLinearConv",
        "QLinearMatMul",
    }
)
FLOAT_COMPUTE = frozenset(
    {
        "Attention",
        "Conv",
        "ConvTranspose",
        "FusedConv",
        "FusedGemm",
        "FusedMatMul",
        "Gemm",
        "MatMul",
        "MultiHeadAttention",
    }
)

FATAL_ONLY = 4
"""Log severity: ONNX Runtime warns that an optimized graph is for this machine only, which is the point here."""


@dataclass(frozen=True)
class Coverage:
    """Operators with multiply-accumulates in the executed graph."""

    int8: int
    """How many run on an int8 kernel."""
    floating: tuple[str, ...]
    """Names of those that run in float."""


def measure_coverage(model: bytes, options: Mapping[str, str] | None = None) -> Coverage:
    """Let ONNX Runtime optimize `model` for this machine and count its compute operators by type."""
    import onnx

    onnxruntime = import_onnxruntime()
    with tempfile.TemporaryDirectory(prefix="edge-") as folder:
        executed = Path(folder) / "executed.onnx"
        settings = onnxruntime.SessionOptions()
        settings.optimized_model_filepath = str(executed)
        settings.log_severity_level = FATAL_ONLY
        for name, value in (options or {}).items():
            settings.add_session_config_entry(name, value)
        onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])
        nodes = onnx.load(executed).graph.node
    return Coverage(
        int8=sum(node.op_type in INT8_COMPUTE for node in nodes),
        floating=tuple(node.name for node in nodes if node.op_type in FLOAT_COMPUTE),
    )
