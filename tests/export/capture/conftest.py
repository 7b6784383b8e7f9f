"""Small real classifiers as ONNX files, made by hand so that each test can bend what it is about."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

Build = Callable[..., Path]


def weights() -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    shapes = {"w": (4, 3, 3, 3), "b": (4,), "v": (4, 5), "c": (5,)}
    return {name: generator.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Write a classifier of 8x8 images with 5 answers; the arguments say what is peculiar about it."""

    def make(
        *,
        before: Sequence[onnx.NodeProto] = (),
        after: Sequence[onnx.NodeProto] = (),
        inputs: dict[str, tuple[int, Sequence[int | str]]] | None = None,
        outputs: dict[str, Sequence[int | str]] | None = None,
        image: str = "image",
        extra: dict[str, np.ndarray] | None = None,
        change: Callable[[onnx.ModelProto], None] = lambda model: None,
        opset: int = 17,
        save: Callable[[onnx.ModelProto, Path], None] | None = None,
    ) -> Path:
        nodes = [
            *before,
            helper.make_node("Conv", [image, "w", "b"], ["conv"], strides=[2, 2]),
            helper.make_node("Relu", ["conv"], ["relu"]),
            helper.make_node("GlobalAveragePool", ["relu"], ["pool"]),
            helper.make_node("Flatten", ["pool"], ["flat"]),
            helper.make_node("Gemm", ["flat", "v", "c"], ["logits"]),
            *after,
        ]
        takes = inputs or {"image": (TensorProto.FLOAT, ["n", 3, 8, 8])}
        gives = outputs or {"logits": ["n", 5]}
        graph = helper.make_graph(
            nodes,
            "classifier",
            [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in takes.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in gives.items()],
            [numpy_helper.from_array(value, name) for name, value in {**weights(), **(extra or {})}.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        change(model)
        path = tmp_path / "model.onnx"
        if save:
            save(model, path)
        else:
            path.write_bytes(model.SerializeToString())
        return path

    return make
