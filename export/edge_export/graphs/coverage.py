"""Which operators really run in int8: read from the graph that ONNX Runtime executes, not from the file."""

import tempfile
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_export.graphs.operators import Origins, multiply_accumulates
from edge_export.graphs.profile import Kernel
from edge_export.sessions import observed_session

if TYPE_CHECKING:
    import onnx

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
"""Kernels with multiply-accumulates of 8-bit integers."""


@dataclass(frozen=True)
class Operator:
    """One operator with multiply-accumulates, as it is executed."""

    name: str
    kind: str
    macs: int | None
    """Multiply-accumulates for a batch of 1; None where its shapes are not known."""
    reason: str
    """Why it runs in float; empty where it runs in int8."""


@dataclass(frozen=True)
class Coverage:
    """Every operator with multiply-accumulates of the float graph, and how it is executed."""

    operators: tuple[Operator, ...]
    time_share: float | None = None
    """Share of a run's time that passes in int8 kernels; None where it was not profiled."""

    @property
    def int8(self) -> int:
        """How many operators run in int8."""
        return sum(not one.reason for one in self.operators)

    @property
    def floating(self) -> tuple[Operator, ...]:
        """Those that run in float."""
        return tuple(one for one in self.operators if one.reason)

    @property
    def macs_share(self) -> float:
        """Share of the multiply-accumulates that run in int8, of those that could be counted."""
        total = sum(one.macs or 0 for one in self.operators)
        return sum(one.macs or 0 for one in self.operators if not one.reason) / total if total else 0.0

    def explained(self, reasons: Mapping[str, str]) -> "Coverage":
        """Return it with better reasons for some operators, such as what a search found."""
        known = (reasons.get(one.name, one.reason) if one.reason else "" for one in self.operators)
        pairs = zip(self.operators, known, strict=True)
        return replace(self, operators=tuple(replace(one, reason=reason) for one, reason in pairs))

    def to_dict(self) -> dict[str, Any]:
        """Return it for the report."""
        return {
            "int8": self.int8,
            "macs_share": self.macs_share,
            "time_share": self.time_share,
            "floating": [
                {"name": one.name, "kind": one.kind, "macs": one.macs, "reason": one.reason} for one in self.floating
            ],
        }


def measure_coverage(
    quantized: "onnx.ModelProto",
    options: Mapping[str, str],
    graph: "onnx.ModelProto",
    excluded: Collection[str] = (),
) -> Coverage:
    """Let ONNX Runtime optimize a quantized model for this machine, and trace its int8 kernels to the float graph.

    Args:
        quantized: The int8 model.
        options: Session options that it runs with.
        graph: The float graph that it was made from.
        excluded: Operators that the recipe leaves in float.
    """
    nodes = _executed(quantized.SerializeToString(), options)
    running = _traced(nodes, graph)
    wrapped = {node.name for node in quantized.graph.node if _reads_codes(node)}
    nodes_by_name = {node.name: node for node in graph.graph.node}
    weights = {tensor.name for tensor in graph.graph.initializer}
    return Coverage(
        tuple(
            Operator(
                name,
                nodes_by_name[name].op_type,
                macs,
                "" if name in running else _reason(nodes_by_name[name], macs, weights, excluded, wrapped),
            )
            for name, macs in multiply_accumulates(graph).items()
        )
    )


def executed_kinds(model: bytes, options: Mapping[str, str]) -> set[str]:
    """Return the types of all kernels that ONNX Runtime executes for a model on this machine."""
    return {node.op_type for node in _executed(model, options)}


def _executed(model: bytes, options: Mapping[str, str]) -> list["onnx.NodeProto"]:
    import onnx

    with tempfile.TemporaryDirectory(prefix="edge-") as folder:
        executed = Path(folder) / "executed.onnx"
        observed_session(model, options, executed=executed)
        return list(onnx.load(executed).graph.node)


def time_share(kernels: Sequence[Kernel]) -> float:
    """Return the share of the time that passes in int8 kernels."""
    total = sum(kernel.milliseconds for kernel in kernels)
    int8 = sum(one.milliseconds for one in kernels if one.kind in INT8_COMPUTE or one.kind.startswith("QLinear"))
    return int8 / total if total else 0.0


def _traced(executed: Sequence["onnx.NodeProto"], graph: "onnx.ModelProto") -> set[str]:
    """Name the operators of the float graph whose work int8 kernels do."""
    origins, readers = Origins(graph), _weight_readers(graph)
    found: set[str] = set()
    kernels: Counter[str] = Counter()
    for node in executed:
        if node.op_type not in INT8_COMPUTE:
            continue
        # Weights keep their name with a suffix even where a fusion renames the operator.
        stems = {stem for name in node.input if (stem := name.removesuffix("_quantized")) in readers}
        kernels.update(stems)
        by_weights, by_name = {reader for stem in stems for reader in readers[stem]}, origins.find_all([node.name])
        # Several operators may share their weights; then the name says which of them this is.
        found |= by_weights if len(by_weights) == 1 else by_weights & by_name or by_name
    # Where fusions renamed them all, their number still says so.
    all_of_them = (names for stem, names in readers.items() if kernels[stem] >= len(names))
    return found.union(*all_of_them)


def _weight_readers(graph: "onnx.ModelProto") -> dict[str, set[str]]:
    """Return second inputs to the names of the operators that read them."""
    readers: dict[str, set[str]] = {}
    for node in graph.graph.node:
        if len(node.input) > 1:
            readers.setdefault(node.input[1], set()).add(node.name)
    return readers


def _reads_codes(node: "onnx.NodeProto") -> bool:
    """Whether an operator of a QDQ graph reads what a DequantizeLinear gives."""
    return any(name.endswith("_DequantizeLinear_Output") for name in node.input)


def _reason(
    node: "onnx.NodeProto",
    macs: int | None,
    weights: Collection[str],
    excluded: Collection[str],
    wrapped: Collection[str],
) -> str:
    if node.name in excluded:
        return "excluded by the recipe"
    if len(node.input) > 1 and node.input[1] not in weights:
        return "weights are not constant"
    if macs is None:
        return "shape unknown"
    if node.name in wrapped:
        return f"no int8 kernel of {node.op_type} for its types and shapes on this machine"
    return "the recipe does not quantize it"
