"""What every area's tests share."""

import os
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

# Before anything imports ONNX Runtime: no test sends telemetry or writes a device id into the user's cache.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# What opening a data set remembers stays out of the user's cache too.
_CACHE = tempfile.TemporaryDirectory(prefix="edge-tests-")
os.environ["EDGE_CACHE_DIR"] = _CACHE.name


def pytest_configure() -> None:
    """Let the processes that tests start hear Ctrl-C, which a shell's background job does not and hands on."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def older_pythons() -> list[Path]:
    """Pythons with an ONNX Runtime that lacks opset 23: those of the environment, and that of `make test-oldest`."""
    made = Path(__file__).parents[1] / ".venv-oldest" / "bin" / "python"
    named = [Path(one) for one in os.environ.get("EDGE_ORT_PYTHONS", "").split(os.pathsep) if one]
    return [*named, *([made] if made.is_file() else [])]


@pytest.fixture(scope="session")
def make_bundle() -> Callable[..., Path]:
    """Write a small bundle with the real writer: `make_bundle(path, seed=0)`; another seed is another model."""
    return _make_bundle


def _make_bundle(out: Path, seed: int = 0) -> Path:
    """A convolution, a pool and a linear layer with seeded weights; three labels."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    from edge_export.bundle_writer import seal, write_bundle
    from edge_export.golden import GOLDEN_FILE, golden_file
    from edge_export.golden_images import golden_images
    from edge_export.sessions import predictor
    from edge_runtime.manifest import Manifest, TensorInfo, Unknown, Variant
    from edge_runtime.preprocessing import ImagePreprocessing, Resize

    side = 32
    generator = np.random.default_rng(seed)
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
    signature = [("input", ["batch", 3, side, side]), ("logits", ["batch", 3])]
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
        Resize(36, 36, "short_side", "bilinear"), side, side, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)
    )
    manifest = Manifest(
        "small",
        str(seed + 1),
        "image-classification",
        ("a", "b", "c"),
        contract,
        (variant,),
        GOLDEN_FILE,
        "",
        (),
        {},
        {},
    )
    images = golden_images()
    golden = golden_file(images, manifest, {"cpu-fp32": predictor(content, threads=1)})
    _, files = seal(manifest, {variant.file: content, GOLDEN_FILE: golden, **images})
    write_bundle(out, files)
    return out
