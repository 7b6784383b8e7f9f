"""What operators cost, and where kernels come from."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from edge_export.capture.torch_module import export_module
from edge_export.graphs.coverage import measure_coverage
from edge_export.graphs.operators import Origins, multiply_accumulates
from edge_export.quantize import Recipe, make_quantized, observe
from edge_export.search.blocks import cut_blocks


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1, groups=8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.two(torch.relu(self.one(x))))


def network() -> onnx.ModelProto:
    stem = [nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU()]
    layers = [*stem, Residual(), Residual(), nn.Flatten(), nn.Linear(512, 5)]
    return onnx.shape_inference.infer_shapes(export_module(nn.Sequential(*layers), (3, 16, 16)))


def test_multiply_accumulates_of_each_kind():
    by_kind = {}
    model = network()
    kinds = {node.name: node.op_type for node in model.graph.node}
    for name, macs in multiply_accumulates(model).items():
        by_kind.setdefault(kinds[name], []).append(macs)
    # 8x8 outputs: the stem 8 channels of 3x3x3, a full convolution 8 of 8x3x3, a depthwise one 8 of 3x3.
    assert by_kind["Conv"] == [64 * 8 * 27, 64 * 8 * 72, 64 * 8 * 9, 64 * 8 * 72, 64 * 8 * 9]
    assert by_kind["Gemm"] == [512 * 5]


def test_an_unknown_shape_is_said():
    nodes = [helper.make_node("NonZero", ["x"], ["n"]), helper.make_node("Cast", ["n"], ["c"], to=TensorProto.FLOAT)]
    nodes.append(helper.make_node("Conv", ["c", "w"], ["y"], name="conv"))
    weights = onnx.numpy_helper.from_array(np.ones((2, 2, 1), np.float32), "w")
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    model = helper.make_model(helper.make_graph(nodes, "g", info[:1], info[1:], [weights]))
    assert multiply_accumulates(model) == {"conv": None}


def test_kernels_are_traced_to_the_longest_known_name():
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["conv"], name="node_Conv_8"),
        helper.make_node("Relu", ["conv"], ["relu_1"], name="r"),
        helper.make_node("Conv", ["relu_1", "w"], ["y"], name="node_Conv_86"),
    ]
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    origins = Origins(helper.make_model(helper.make_graph(nodes, "g", info[:1], info[1:])))
    assert origins.find("node_Conv_86_token_3") == "node_Conv_86"
    assert origins.find("node_Conv_8_token_3") == "node_Conv_8"
    assert origins.find("relu_1_nchwc") == "r"
    assert origins.find("x_QuantizeLinear") == "node_Conv_8"
    assert origins.find("Transpose") is None
    assert origins.find("node_Conv_869") is None


def test_blocks_end_where_one_tensor_passes():
    model = network()
    blocks = cut_blocks(model)
    assert [name for block in blocks for name in block.operators] == [node.name for node in model.graph.node]
    kinds = {node.name: node.op_type for node in model.graph.node}
    found = [[kinds[name] for name in block.operators] for block in blocks]
    residual = ["Conv", "Relu", "Conv", "Add", "Relu"]
    assert found == [["Conv", "Relu"], residual, [*residual, "Reshape"], ["Gemm"]]
    assert len(cut_blocks(model, most=2)) == 2
    assert sum(block.macs for block in blocks) == sum(multiply_accumulates(model).values())


def test_blocks_that_do_the_same_work_have_one_signature():
    layers = [nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), *(Residual() for _ in range(3)), nn.Conv2d(8, 2, 8)]
    blocks = cut_blocks(onnx.shape_inference.infer_shapes(export_module(nn.Sequential(*layers), (3, 16, 16))))
    assert blocks[1].signature == blocks[2].signature == blocks[3].signature
    assert len({block.signature for block in blocks}) == 3


def shared_weights() -> onnx.ModelProto:
    """Two convolutions of one weight, the first of them before an activation."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["r"], name="relu"),
        helper.make_node("Conv", ["r", "w"], ["y"], name="second", pads=[1, 1, 1, 1]),
    ]
    weights = np.random.default_rng(0).standard_normal((4, 4, 3, 3)).astype(np.float32)
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4, 8, 8]) for name in "xy"]
    graph = helper.make_graph(nodes, "g", info[:1], info[1:], [onnx.numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return onnx.shape_inference.infer_shapes(model)


@pytest.mark.parametrize("floating", [(), ("first",), ("second",)])
def test_operators_that_share_their_weights_are_told_apart(floating: tuple[str, ...]):
    model, recipe = shared_weights(), Recipe("r", float_operators=floating)
    batch = np.random.default_rng(1).standard_normal((4, 4, 8, 8), dtype=np.float32)
    made = make_quantized(model, recipe, observe(model, lambda: iter(batch)))
    coverage = measure_coverage(made.model, made.session, model, floating)
    assert [one.name for one in coverage.floating] == list(floating)
    assert coverage.int8 == 2 - len(floating)
