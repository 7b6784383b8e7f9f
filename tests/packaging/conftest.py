"""A small bundle that the real writer made."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_export.bundle_writer import seal, write_bundle
from edge_export.golden import GOLDEN_FILE, golden_file, golden_images
from edge_export.sessions import predictor
from edge_runtime.manifest import Manifest, TensorInfo, Unknown, Variant
from edge_runtime.preprocessing import ImagePreprocessing, Resize

SIDE = 32


@pytest.fixture(scope="module")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A convolution, a pool and a linear layer with seeded weights; three labels."""
    generator = np.random.default_rng(0)
    weights = {
        "w": generator.standard_normal((8, 3, 5, 5)).astype(np.float32),
        "m": (generator.standard_normal((8, 3)) * 3).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["input", "w"], ["c"], strides=[2, 2]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "m"], ["logits"]),
    ]
    signature = [("input", ["batch", 3, SIDE, SIDE]), ("logits", ["batch", 3])]
    source, target = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in signature)
    constants = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "small", [source], [target], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    content = model.SerializeToString()
    tensors = [TensorInfo(name, "float32", tuple(shape)) for name, shape in signature]
    unknown = Unknown(1.5, 0.4, 0.9)
    variant = Variant(
        "cpu-fp32", "variants/cpu-fp32.onnx", "fp32", "cpu", (tensors[0],), (tensors[1],), False, 1e-3, unknown=unknown
    )
    contract = ImagePreprocessing(
        Resize(36, 36, "short_side", "bilinear"), SIDE, SIDE, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    )
    manifest = Manifest(
        "small", "1", "image-classification", ("a", "b", "c"), contract, (variant,), GOLDEN_FILE, "", (), {}, {}
    )
    images = golden_images()
    golden = golden_file(images, manifest, {"cpu-fp32": predictor(content, threads=1)})
    _, files = seal(manifest, {variant.file: content, GOLDEN_FILE: golden, **images})
    out = tmp_path_factory.mktemp("bundle") / "small.edge"
    write_bundle(out, files)
    assert json.loads(files["manifest.json"])["name"] == "small"
    return out
