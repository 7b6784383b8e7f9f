"""A small real bundle with two variants that differ in cost, and a benchmark of it."""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from edge_benchmarks.bench.run import bench
from edge_runtime.bundle import canonical_archive, content_id, digest_line
from edge_runtime.golden import tensor_sha256
from edge_runtime.image import ImagePreprocessor
from edge_runtime.manifest import (
    DIGEST_NAME,
    MANIFEST_NAME,
    Manifest,
    TensorInfo,
    Variant,
    file_entry,
    manifest_to_json,
)
from edge_runtime.prediction import softmax
from edge_runtime.preprocessing import ImagePreprocessing, Resize
from edge_runtime.session import create_session

SIDE, LABELS = 32, ("ant", "bee", "wasp")
CONTRACT = ImagePreprocessing(Resize(36, 36), SIDE, SIDE, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def network(width: int) -> bytes:
    """Two convolutions, a global pool and a classifier; the cost grows with the square of `width`."""
    rng = np.random.default_rng(width)

    def weight(name: str, *shape: int) -> TensorProto:
        return numpy_helper.from_array(rng.normal(0, 0.2, shape).astype(np.float32), name)

    nodes = [
        helper.make_node("Conv", ["image", "stem"], ["a"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Conv", ["b", "body"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["c"], ["d"]),
        helper.make_node("Flatten", ["d"], ["e"]),
        helper.make_node("Gemm", ["e", "head"], ["logits"]),
    ]
    weights = [weight("stem", width, 3, 3, 3), weight("body", width, width, 3, 3), weight("head", width, len(LABELS))]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", len(LABELS)])
    graph = helper.make_graph(nodes, "insects", [image], [logits], weights)
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString()


def variant(name: str, precision: Any) -> Variant:
    inputs = (TensorInfo("image", "float32", ("n", 3, SIDE, SIDE)),)
    outputs = (TensorInfo("logits", "float32", ("n", len(LABELS))),)
    return Variant(name, f"models/{name}.onnx", precision, "cpu", inputs, outputs, exact=False, tolerance=1e-4)


def golden(models: dict[str, bytes], picture: bytes) -> bytes:
    tensor = ImagePreprocessor(CONTRACT)(picture)
    logits = {
        name: create_session(model, threads=1).run(None, {"image": tensor[None]})[0][0]
        for name, model in models.items()
    }
    case = {
        "input": "golden/0.png",
        "tensor_sha256": tensor_sha256(tensor),
        "logits": {name: values.tolist() for name, values in logits.items()},
        "label": {name: LABELS[int(values.argmax())] for name, values in logits.items()},
        "score": {name: float(softmax(values[None]).max()) for name, values in logits.items()},
    }
    return json.dumps({"schema": 1, "cases": [case]}).encode()


def archive(spoil: bool = False, only: tuple[str, ...] = ("cpu-int8", "cpu-fp32")) -> bytes:
    """A canonical `.edge` file; spoiled, its golden logits are those of other weights."""
    models = {name: network(8 if name == "cpu-int8" else 96) for name in only}
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    told = {name: network(5) for name in models} if spoil else models
    files = {f"models/{name}.onnx": model for name, model in models.items()}
    files |= {"golden/0.png": buffer.getvalue(), "golden/golden.json": golden(told, buffer.getvalue())}
    entries = tuple(file_entry(path, files[path]) for path in sorted(files))
    variants = tuple(variant(name, name.removeprefix("cpu-")) for name in only)

    def manifest(identity: str) -> Manifest:
        return Manifest(
            "insects", "1.2.0", "image-classification", LABELS, CONTRACT, variants, "golden/golden.json", identity,
            entries, {}, {},
        )  # fmt: skip

    document = manifest_to_json(manifest(content_id(manifest(""))))
    digest = digest_line(hashlib.sha256(document).hexdigest())
    return canonical_archive({MANIFEST_NAME: document, DIGEST_NAME: digest, **files})


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle whose `cpu-int8` is many times cheaper than its `cpu-fp32` (both are floats: only cost matters here)."""
    path = tmp_path_factory.mktemp("bundles") / "insects.edge"
    path.write_bytes(archive())
    return path


@pytest.fixture(scope="session")
def broken_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An intact bundle that answers otherwise than its golden vectors say."""
    path = tmp_path_factory.mktemp("bundles") / "broken.edge"
    path.write_bytes(archive(spoil=True))
    return path


@pytest.fixture(scope="session")
def report(bundle: Path) -> Any:
    """A short benchmark of the bundle."""
    return bench(bundle, seconds=1.0, cold_starts=2, threads=1, batches=[1, 4])


@pytest.fixture
def document(report: Any) -> dict[str, Any]:
    """Its JSON document, of this test's own; whether this machine held still meanwhile is not what is tested."""
    return json.loads(json.dumps(report.to_dict() | {"valid": True, "problems": []}))


@pytest.fixture
def make_archive() -> Callable[..., bytes]:
    """Makes the bundle's bytes."""
    return archive
