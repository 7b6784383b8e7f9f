"""Small real graphs, and the digits that they see."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

from edge_export.quantize import make_quantized
from edge_export.quantize.recipe import Recipe
from edge_runtime.session import create_session

Build = Callable[..., onnx.ModelProto]


@pytest.fixture(scope="session")
def build() -> Build:
    """Make a model of nodes, constants, and the shapes of its only input `x` and its only output `y`."""

    def make(
        nodes: Sequence[onnx.NodeProto],
        constants: Mapping[str, Any],
        source: Sequence[int],
        target: Sequence[int],
        opset: int = 18,
    ) -> onnx.ModelProto:
        graph = helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", *source])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", *target])],
            [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
        )
        # ONNX Runtime 1.32's own domain, for the operators of its transformers.
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)

    return make


@pytest.fixture(scope="session")
def network(build: Build) -> onnx.ModelProto:
    """A depthwise convolution, whose channels differ in size, between two pointwise ones, on 3 x 16 x 16."""
    generator = np.random.default_rng(0)
    constants = {
        "w1": generator.standard_normal((16, 3, 1, 1)),
        "w2": generator.standard_normal((16, 1, 3, 3)) * np.geomspace(0.1, 1, 16).reshape(-1, 1, 1, 1),
        "w3": generator.standard_normal((8, 16, 1, 1)),
        "b1": np.zeros(16), "b2": np.zeros(16), "b3": np.zeros(8),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["a"], name="first"),
        helper.make_node("Relu", ["a"], ["ra"], name="relu1"),
        helper.make_node("Conv", ["ra", "w2", "b2"], ["b"], name="depthwise", group=16, pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["b"], ["rb"], name="relu2"),
        helper.make_node("Conv", ["rb", "w3", "b3"], ["y"], name="last"),
    ]
    return build(nodes, constants, (3, 16, 16), (8, 16, 16))


@pytest.fixture(scope="session")
def digits() -> list[np.ndarray]:
    """300 scans of digits, 1 x 8 x 8, between 0 and 1."""
    return list((load_digits().data[:300] / 16).astype(np.float32).reshape(-1, 1, 8, 8))


@pytest.fixture(scope="session")
def digit_network(build: Build) -> onnx.ModelProto:
    """A convolution, an activation without a bound and a Gemm, on digits."""
    generator = np.random.default_rng(0)
    constants = {
        "w1": generator.standard_normal((6, 1, 3, 3)), "b1": generator.standard_normal(6),
        "w2": generator.standard_normal((10, 384)) / 20, "b2": generator.standard_normal(10),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["a"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["ra"], name="relu"),
        helper.make_node("Flatten", ["ra"], ["f"], name="flatten"),
        helper.make_node("Gemm", ["f", "w2", "b2"], ["y"], name="gemm", transB=1),
    ]
    return build(nodes, constants, (1, 8, 8), (10,))


def run(model: onnx.ModelProto, batch: np.ndarray, options: Mapping[str, str] | None = None) -> np.ndarray:
    session = create_session(model.SerializeToString(), options=options)
    answer: np.ndarray = session.run(None, {session.get_inputs()[0].name: batch})[0]
    return answer


@pytest.fixture(scope="session")
def answers() -> Callable[..., np.ndarray]:
    """The only output of a model for a batch of its only input."""
    return run


@pytest.fixture(scope="session")
def error_of() -> Callable[..., float]:
    """Make a model by a recipe, and measure its largest error as a share of the largest float output."""

    def measure(model: onnx.ModelProto, recipe: Recipe, observation: Any, batch: np.ndarray) -> float:
        expected = run(model, batch)
        made = make_quantized(model, recipe, observation)
        found = run(made.model, batch, made.session)
        return float(np.abs(found - expected).max() / (np.abs(expected).max() or 1.0))

    return measure
