"""The wide middle of feed-forward networks in codes: between the first product and the second nothing is a float."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_export.quantize.calibration import Range, Ranges

if TYPE_CHECKING:
    import onnx

MICROSOFT = "com.microsoft"
LEVELS = 255
GATE = 1.702
"""`x * sigmoid(1.702 x)` is GELU to 0.02 (Hendrycks and Gimpel, 2016, section 2), about half a step of its codes."""
LOWEST = -4.0
"""What GELU makes of less is nothing (0.0001), so no code is spent on it."""
OPEN = (np.float32(1 / 256), np.uint8(0))
"""Step and zero of the codes of what a sigmoid gives."""
RANK = 3
TURN = (0, 2, 1)
"""Between rows of channels, which products take, and rows of places, which a convolution does."""


def codes(found: Range) -> tuple[np.float32, np.uint8]:
    """Return the step of a range, widened to hold zero, and the code of zero."""
    low, high = min(found[0], 0.0), max(found[1], 0.0)
    step = np.float32((high - low) / LEVELS) or np.float32(1.0)
    return step, np.uint8(np.clip(np.rint(-low / step), 0, LEVELS))


@dataclass(frozen=True)
class _Middle:
    """Nodes of the quantized graph, each the only reader of the one before."""

    product: "onnx.NodeProto"
    gelu: "onnx.NodeProto"
    quantize: "onnx.NodeProto"


def keep_codes(model: "onnx.ModelProto", ranks: Mapping[str, int], ranges: Ranges) -> int:
    """Let a product, GELU and the codes of its answers work on codes alone, in place; return how many do.

    The product becomes a convolution of width 1, whose kernel gives codes and is the quickest that ONNX Runtime has for
    bytes, with a scale for each channel at no price; ONNX Runtime takes the transpositions out again. GELU becomes two
    lookups in bytes. The second product goes on giving floats: codes of what it adds to a text's rows, where a few
    channels are large, made ten times the error on TREC.

    Args:
        model: What `quantize_fixed` makes.
        ranks: Tensor to its number of dimensions; networks on other than `(batch, length, width)` stay.
        ranges: Of the float graph's tensors; a network that calibration could give no range stays.
    """
    graph = model.graph
    writers = {name: node for node in graph.node for name in node.output}
    readers: dict[str, list[onnx.NodeProto]] = {info.name: [] for info in graph.output}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    constants = {tensor.name: tensor for tensor in graph.initializer}
    middles = []
    for node in graph.node:
        found = _middle(node, writers, readers)
        if found is None or not _plain(found.product, readers, constants):
            continue
        if found.gelu.input[0] in ranges and ranks.get(found.gelu.input[0]) == RANK:
            middles.append(found)
    written = {id(one.quantize): _Writer(graph, constants).write(one, ranges) for one in middles}
    gone = {id(node) for one in middles for node in (one.product, one.gelu)}
    kept = [one for node in graph.node if id(node) not in gone for one in written.get(id(node), [node])]
    del graph.node[:]
    graph.node.extend(kept)
    return len(middles)


def _middle(
    gelu: "onnx.NodeProto",
    writers: Mapping[str, "onnx.NodeProto"],
    readers: Mapping[str, list["onnx.NodeProto"]],
) -> _Middle | None:
    if gelu.op_type != "Gelu" or any(len(readers.get(name, ())) != 1 for name in (gelu.input[0], gelu.output[0])):
        return None
    product, (quantize,) = writers.get(gelu.input[0]), readers[gelu.output[0]]
    if product is None or product.op_type != "MatMulIntegerToFloat" or quantize.op_type != "QuantizeLinear":
        return None
    return _Middle(product, gelu, quantize)


def _plain(
    product: "onnx.NodeProto",
    readers: Mapping[str, list["onnx.NodeProto"]],
    constants: Mapping[str, "onnx.TensorProto"],
) -> bool:
    """Whether the weights are int8 constants that nobody else reads, and all steps and the bias constants."""
    from onnx import TensorProto

    if not all(name in constants for name in product.input[1:]):
        return False
    return constants[product.input[1]].data_type == TensorProto.INT8 and len(readers[product.input[1]]) == 1


class _Writer:
    """Writes nodes on codes, and the constants that they need."""

    def __init__(self, graph: "onnx.GraphProto", constants: Mapping[str, "onnx.TensorProto"]) -> None:
        self._graph, self._constants = graph, constants

    def write(self, middle: _Middle, ranges: Ranges) -> list["onnx.NodeProto"]:
        """Return the nodes that give the codes that `middle` gives."""
        from onnx import helper

        product, gelu, quantize = middle.product, middle.gelu, middle.quantize
        low, high = ranges[gelu.input[0]]
        step, zero = codes((max(low, LOWEST), high))
        form = self._constant(f"{gelu.name}_step", step), self._constant(f"{gelu.name}_zero", zero)
        steeper = self._constant(f"{gelu.name}_gate_step", np.float32(GATE * step))
        gate = self._constant(f"{gelu.name}_open_step", OPEN[0]), self._constant(f"{gelu.name}_open_zero", OPEN[1])
        turned, wide, opened, bent = (f"{gelu.name}_{part}" for part in ("source", "codes", "open", "bent"))
        lookup = [wide, *form, opened, *gate, *quantize.input[1:3]]
        return [
            helper.make_node("Transpose", [product.input[0]], [turned], name=f"{product.name}_turn", perm=TURN),
            self._convolution(product, turned, form, wide),
            helper.make_node(
                "QLinearSigmoid", [wide, steeper, form[1], *gate], [opened], name=f"{gelu.name}_gate", domain=MICROSOFT
            ),
            helper.make_node("QLinearMul", lookup, [bent], name=gelu.name, domain=MICROSOFT),
            helper.make_node("Transpose", [bent], [quantize.output[0]], name=f"{gelu.name}_turn", perm=TURN),
        ]

    def _convolution(
        self, product: "onnx.NodeProto", source: str, form: tuple[str, str], output: str
    ) -> "onnx.NodeProto":
        """Return the product as a convolution of width 1, its weights turned in place under their name."""
        from onnx import helper, numpy_helper

        _, weight, step, weight_step, zero, weight_zero, *bias = product.input
        turned = np.ascontiguousarray(self._array(weight).T)[:, :, None]
        self._constants[weight].CopyFrom(numpy_helper.from_array(turned, weight))
        inputs = [source, step, zero, weight, weight_step, weight_zero, *form]
        if bias:
            limits = np.iinfo(np.int32)
            shift = self._array(bias[0]) / (self._array(step).astype(np.float64) * self._array(weight_step))
            rounded = np.rint(shift).clip(limits.min, limits.max).astype(np.int32)
            inputs.append(self._constant(f"{product.name}_bias", rounded))
        return helper.make_node("QLinearConv", inputs, [output], name=product.name, kernel_shape=[1])

    def _array(self, name: str) -> NDArray[Any]:
        from onnx import numpy_helper

        return numpy_helper.to_array(self._constants[name])

    def _constant(self, name: str, value: np.generic | NDArray[Any]) -> str:
        from onnx import numpy_helper

        self._graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name
