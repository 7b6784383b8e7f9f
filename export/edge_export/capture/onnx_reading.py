"""Reads an ONNX file of unknown origin: parses it, loads what lies beside it, and refuses what no export can use."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge_export.graphs.bodies import all_nodes, subgraphs
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    import onnx

MIN_OPSET = 17
"""Older graphs are converted up to it: quantization by channel needs 13, and the passes are written for opsets since
this one."""
OLDEST_OPSET = 7
"""ONNX Runtime has no kernels for what an older opset means, so a conversion could not be checked."""
MAX_BYTES = (1 << 31) - 1
"""A protobuf message holds no more, and a bundle's model is one message."""

QUANTIZED = frozenset(
    {
        "ConvInteger",
        "DequantizeLinear",
        "DynamicQuantizeLSTM",
        "DynamicQuantizeLinear",
        "DynamicQuantizeMatMul",
        "MatMulInteger",
        "MatMulIntegerToFloat",
        "MatMulNBits",
        "QAttention",
        "QGemm",
        "QLinearConv",
        "QLinearMatMul",
        "QuantizeLinear",
    }
)
CONTROL_FLOW = frozenset({"If", "Loop", "Scan"})


def read_onnx(path: Path) -> "onnx.ModelProto":
    """Read an ONNX file with its external data, which must lie beside or below it.

    Raises:
        InputError: it is no ONNX file, is damaged, too old or too new, already quantized, not in float32, or holds
            weights that are not finite.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the path") from error
    try:
        model = onnx.load_from_string(content)
    except (DecodeError, ValueError) as error:
        raise InputError(
            f"{path}: not an ONNX file, or a truncated one ({len(content):,} bytes); export it again"
        ) from error
    if not model.graph.node or not model.ir_version or not model.opset_import:
        raise InputError(f"{path}: no ONNX graph in it ({len(content):,} bytes); export it again")
    _check_versions(path, model)
    _load_external(path, model)
    _check_kind(path, model)
    _check_weights(path, model)
    return model


def opset_of(model: "onnx.ModelProto") -> int:
    """Return the version of ONNX's own operators; 0 where the file imports none."""
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def upgrade(path: Path, model: "onnx.ModelProto") -> "onnx.ModelProto":
    """Return the model with an opset of `MIN_OPSET` or newer.

    Raises:
        InputError: ONNX's converter cannot convert it.
    """
    import onnx.version_converter

    opset = opset_of(model)
    if opset >= MIN_OPSET:
        return model
    try:
        return onnx.version_converter.convert_version(model, MIN_OPSET)
    except Exception as error:  # the converter is C++, its errors have no common base
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{path}: opset {opset} cannot be converted to {MIN_OPSET} ({reason}); export it again with a newer opset"
        ) from error


def count_control_flow(model: "onnx.ModelProto") -> dict[str, int]:
    """Return operators that hold graphs of their own to how many there are."""
    return dict(Counter(node.op_type for node in all_nodes(model.graph) if node.op_type in CONTROL_FLOW))


def _tensors(graph: "onnx.GraphProto") -> Iterator["onnx.TensorProto"]:
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors
        for body in subgraphs(node):
            yield from _tensors(body)


def _check_versions(path: Path, model: "onnx.ModelProto") -> None:
    import onnx

    if model.ir_version > onnx.IR_VERSION:
        raise InputError(
            f"{path}: ONNX IR version {model.ir_version} is newer than the {onnx.IR_VERSION} that onnx "
            f"{onnx.__version__} reads; upgrade onnx, or export with an older exporter"
        )
    if opset_of(model) < OLDEST_OPSET:
        raise InputError(
            f"{path}: opset {opset_of(model)} is older than {OLDEST_OPSET}, which nothing here can run; export it "
            f"again with opset {MIN_OPSET} or newer"
        )
    newest = onnx.defs.onnx_opset_version()
    if opset_of(model) > newest:
        raise InputError(
            f"{path}: opset {opset_of(model)} is newer than the {newest} that onnx {onnx.__version__} knows; "
            "upgrade onnx, or export with an older opset"
        )


def _load_external(path: Path, model: "onnx.ModelProto") -> None:
    """Load the tensors that lie in other files; only plain files in the model's own folder are read."""
    from onnx import external_data_helper

    folder = path.parent.resolve()
    total = 0
    for tensor in _tensors(model.graph):
        if not external_data_helper.uses_external_data(tensor):
            continue
        entries = {entry.key: entry.value for entry in tensor.external_data}
        file = (folder / entries.get("location", "")).resolve()
        if not file.is_relative_to(folder):
            raise InputError(
                f"{path}: tensor {tensor.name} is to be read from {entries.get('location')!r}, outside the model's "
                "folder; refused, save the model with its data beside it"
            )
        if not file.is_file():
            raise InputError(
                f"{path}: the data file {entries.get('location')!r} of tensor {tensor.name} is missing; put it beside "
                "the model"
            )
        try:
            external_data_helper.load_external_data_for_tensor(tensor, str(folder))
        except Exception as error:  # onnx's own checks raise several kinds
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InputError(f"{path}: tensor {tensor.name} cannot be read from its data file ({reason})") from error
        tensor.data_location = type(tensor).DEFAULT
        del tensor.external_data[:]
        total += len(tensor.raw_data)
    if total > MAX_BYTES:
        raise InputError(f"{path}: {total:,} bytes of weights; a bundle's model holds at most {MAX_BYTES:,}")


def _check_kind(path: Path, model: "onnx.ModelProto") -> None:
    counts = Counter(node.op_type for node in all_nodes(model.graph))
    for function in model.functions:
        counts.update(node.op_type for node in function.node)
    quantized = {name: count for name, count in counts.items() if name in QUANTIZED}
    if quantized:
        named = ", ".join(f"{count} {name}" for name, count in sorted(quantized.items()))
        raise InputError(
            f"{path}: already quantized ({named}), so there is no fp32 answer to hold int8 against; "
            "give the float model that it was made from"
        )
    halves = sum(tensor.data_type == tensor.FLOAT16 for tensor in model.graph.initializer)
    doubles = sum(tensor.data_type == tensor.DOUBLE and len(tensor.dims) > 1 for tensor in model.graph.initializer)
    if halves or doubles:
        what = f"{halves} weights in float16" if halves else f"{doubles} weights in float64"
        raise InputError(f"{path}: {what}; export the model in float32, the precision is chosen here")


def _check_weights(path: Path, model: "onnx.ModelProto") -> None:
    from onnx import numpy_helper

    for tensor in _tensors(model.graph):
        if tensor.data_type != tensor.FLOAT:
            continue
        try:
            values = numpy_helper.to_array(tensor)
        except ValueError as error:
            raise InputError(f"{path}: tensor {tensor.name} is damaged ({error}); export it again") from error
        # Infinity and nothing but zeros beside it is a mask or a missing limit, not a weight.
        bad = np.isnan(values).sum()
        if (values[np.isfinite(values)] != 0).any():
            bad = (~np.isfinite(values)).sum()
        if bad:
            raise InputError(
                f"{path}: {bad} of {values.size:,} values of {tensor.name or 'a constant'} are NaN or infinite; "
                "train again, no graph with such weights can be trusted"
            )
