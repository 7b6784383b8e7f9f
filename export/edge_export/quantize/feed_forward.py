"""Feed-forward networks in codes: from the first product's input to the second one's output nothing becomes a float."""

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
class _Network:
    """A product, GELU, codes, a product: nodes of the quantized graph."""

    first: "onnx.NodeProto"
    gelu: "onnx.NodeProto"
    quantize: "onnx.NodeProto"
    second: "onnx.NodeProto"

    @property
    def nodes(self) -> tuple["onnx.NodeProto", ...]:
        return self.first, self.gelu, self.quantize, self.second


def keep_codes(model: "onnx.ModelProto", ranks: Mapping[str, int], ranges: Ranges) -> int:
    """Let feed-forward networks of a graph with fixed ranges work on codes, in place, and return how many do.

    Products become convolutions of width 1, whose kernels give codes and are the quickest that ONNX Runtime has for
    bytes; it takes the transpositions out again. GELU becomes two lookups in bytes. MiniLM's networks took 0.91 times
    as long for 128 tokens and 0.96 for 32.

    Args:
        model: What `quantize_fixed` makes.
        ranks: Tensor to its number of dimensions; networks on other than `(batch, length, width)` stay.
        ranges: Of the float graph's tensors; a network that calibration could give no range stays.
    """
    graph = model.graph
    writers = {name: node for node in graph.node for name in node.output}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    constants = {tensor.name: tensor for tensor in graph.initializer}
    outputs = {info.name for info in graph.output}
    networks = []
    for node in graph.node:
        found = _network(node, writers, readers)
        if found is None or outputs & {name for one in found.nodes for name in one.output}:
            continue
        ranged = all(name in ranges for name in (found.first.output[0], found.second.output[0]))
        if ranged and ranks.get(found.first.output[0]) == RANK and _plain(found, readers, constants):
            networks.append(found)
    writer = _Writer(graph, constants, ranges)
    written = {id(one.second): writer.write(one) for one in networks}
    gone = {id(node) for one in networks for node in one.nodes[:-1]}
    kept = [one for node in graph.node if id(node) not in gone for one in written.get(id(node), [node])]
    del graph.node[:]
    graph.node.extend(kept)
    return len(networks)


def _network(
    gelu: "onnx.NodeProto",
    writers: Mapping[str, "onnx.NodeProto"],
    readers: Mapping[str, list["onnx.NodeProto"]],
) -> _Network | None:
    if gelu.op_type != "Gelu":
        return None
    first, following = writers.get(gelu.input[0]), readers.get(gelu.output[0], [])
    if first is None or len(readers[gelu.input[0]]) != 1 or [one.op_type for one in following] != ["QuantizeLinear"]:
        return None
    behind = readers.get(following[0].output[0], [])
    products = [one.op_type for one in (first, *behind)]
    return _Network(first, gelu, following[0], behind[0]) if products == ["MatMulIntegerToFloat"] * 2 else None


def _plain(
    network: _Network,
    readers: Mapping[str, list["onnx.NodeProto"]],
    constants: Mapping[str, "onnx.TensorProto"],
) -> bool:
    """Whether both weights are int8 constants that nobody else reads, and all steps and biases constants."""
    from onnx import TensorProto

    for product in (network.first, network.second):
        weight = constants.get(product.input[1])
        if weight is None or weight.data_type != TensorProto.INT8 or len(readers[product.input[1]]) != 1:
            return False
        if not all(name in constants for name in product.input[1:]):
            return False
    return bool(network.second.input[0] == network.quantize.output[0])


class _Writer:
    """Writes a network in codes, and the constants that it needs."""

    def __init__(self, graph: "onnx.GraphProto", constants: Mapping[str, "onnx.TensorProto"], ranges: Ranges) -> None:
        self._graph, self._constants, self._ranges = graph, constants, ranges

    def write(self, network: _Network) -> list["onnx.NodeProto"]:
        """Return the nodes that answer as the network does."""
        from onnx import helper

        first, gelu, quantize, second = network.nodes
        low, high = self._ranges[first.output[0]]
        step, zero = codes((max(low, LOWEST), high))
        inner = self._constant(f"{gelu.name}_step", step), self._constant(f"{gelu.name}_zero", zero)
        outer_step, outer_zero = codes(self._ranges[second.output[0]])
        outer = self._constant(f"{second.name}_step", outer_step), self._constant(f"{second.name}_zero", outer_zero)
        wide, narrow = f"{gelu.name}_codes", f"{second.name}_codes"
        return [
            helper.make_node("Transpose", [first.input[0]], [f"{wide}_in"], name=f"{first.name}_turn", perm=TURN),
            self._convolution(first, f"{wide}_in", inner, wide),
            *self._gelu(gelu.name, wide, (*inner, np.float32(GATE * step)), quantize),
            self._convolution(second, quantize.output[0], outer, narrow),
            helper.make_node("Transpose", [narrow], [f"{narrow}_out"], name=f"{second.name}_turn", perm=TURN),
            helper.make_node(
                "DequantizeLinear", [f"{narrow}_out", *outer], [second.output[0]], name=f"{second.name}_floats"
            ),
        ]

    def _gelu(
        self, name: str, source: str, form: tuple[str, str, np.float32], quantize: "onnx.NodeProto"
    ) -> list["onnx.NodeProto"]:
        """Return `x * sigmoid(GATE * x)`; `form` has the step, the zero and the gate's step of `x`."""
        from onnx import helper

        step, zero, steeper = form
        gate = [self._constant(f"{name}_open_step", OPEN[0]), self._constant(f"{name}_open_zero", OPEN[1])]
        inputs = [source, self._constant(f"{name}_gate_step", steeper), zero, *gate]
        opened = helper.make_node("QLinearSigmoid", inputs, [f"{name}_open"], name=f"{name}_gate", domain=MICROSOFT)
        inputs = [source, step, zero, f"{name}_open", *gate, *quantize.input[1:3]]
        return [opened, helper.make_node("QLinearMul", inputs, [quantize.output[0]], name=name, domain=MICROSOFT)]

    def _convolution(
        self, product: "onnx.NodeProto", source: str, to: tuple[str, str], output: str
    ) -> "onnx.NodeProto":
        """Return the product as a convolution of width 1, its weights turned in place under their name."""
        from onnx import helper, numpy_helper

        _, weight, step, weight_step, zero, weight_zero, *bias = product.input
        turned = np.ascontiguousarray(self._array(weight).T)[:, :, None]
        self._constants[weight].CopyFrom(numpy_helper.from_array(turned, weight))
        inputs = [source, step, zero, weight, weight_step, weight_zero, *to]
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
