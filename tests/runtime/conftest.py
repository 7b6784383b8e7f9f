"""Small real bundles, made in memory: a real ONNX model and golden vectors, written by the runtime's own functions."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from edge_runtime.bundle import canonical_archive, content_id, digest_line
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
from edge_runtime.preprocessing import ImagePreprocessing, Resize
from edge_runtime.tasks import predictions

SIDE = 24
LABELS = ("cat", "dog", "größe", "owl", "fox")
CONTRACT = ImagePreprocessing(
    Resize(28, 28, "short_side", "bicubic"), SIDE, SIDE, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
)


def small_model(step: float = 0.0, side: int = SIDE, classes: int = len(LABELS), seed: int = 3) -> bytes:
    """Conv, Relu, Flatten, Gemm with random weights; `step` rounds them, as a stand-in for quantization."""
    random = np.random.default_rng(seed)

    def weight(*shape: int) -> np.ndarray[Any, Any]:
        values = random.normal(0, 0.3, shape).astype(np.float32)
        return (np.round(values / step) * step).astype(np.float32) if step else values

    cells = (side // 4) ** 2 * 6
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["a"], strides=[4, 4]),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("Flatten", ["b"], ["c"]),
        helper.make_node("Gemm", ["c", "v", "bias"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, side, side])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", classes])],
        [
            numpy_helper.from_array(weight(6, 3, 4, 4), "w"),
            numpy_helper.from_array(weight(cells, classes) * np.float32(0.2), "v"),
            numpy_helper.from_array(weight(classes), "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def picture(seed: int, size: tuple[int, int] = (40, 31)) -> Image.Image:
    """A colorful picture whose channels, sides and corners all differ."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    return coarse.resize(size, Image.Resampling.BICUBIC)


def png(image: Image.Image) -> bytes:
    """Encode losslessly."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def variant(name: str = "cpu-fp32", path: str = "models/cpu-fp32.onnx", **changes: Any) -> Variant:
    """A variant's entry for `small_model`."""
    plain = Variant(
        name,
        path,
        "int8" if name.endswith("int8") else "fp32",
        "cuda" if name.startswith("cuda") else "cpu",
        (TensorInfo("image", "float32", ("n", 3, SIDE, SIDE)),),
        (TensorInfo("logits", "float32", ("n", len(LABELS))),),
        exact=True,
        tolerance=0.0,
    )
    return dataclasses.replace(plain, **changes)


@dataclass
class Draft:
    """A bundle before it is sealed: change anything, then `seal` it."""

    files: dict[str, bytes] = field(default_factory=dict)
    variants: list[Variant] = field(default_factory=list)
    contract: ImagePreprocessing = CONTRACT
    labels: tuple[str, ...] = LABELS
    extra: dict[str, Any] = field(default_factory=dict)

    def manifest(self) -> Manifest:
        unsealed = Manifest(
            name="animals",
            version="1.0.0",
            task="image-classification",
            labels=self.labels,
            preprocessing=self.contract,
            variants=tuple(self.variants),
            golden="golden/golden.json",
            content_id="",
            files=tuple(file_entry(path, self.files[path]) for path in sorted(self.files)),
            recipe={"precision": "fp32"},
            provenance={"seed": 3},
        )
        unsealed = dataclasses.replace(unsealed, **self.extra)
        return dataclasses.replace(unsealed, content_id=content_id(unsealed))

    def seal(self) -> dict[str, bytes]:
        """Return every file of the bundle, the manifest and its digest first."""
        data = manifest_to_json(self.manifest())
        return {MANIFEST_NAME: data, DIGEST_NAME: digest_line(hashlib.sha256(data).hexdigest()), **self.files}

    def archive(self) -> bytes:
        return canonical_archive(self.seal())

    def add_golden(self, count: int = 3) -> None:
        """Write golden vectors from what this machine answers."""
        import onnxruntime

        manifest, preprocess = self.manifest(), ImagePreprocessor(self.contract)
        cases = []
        for at in range(count):
            path = f"golden/{at}.png"
            self.files[path] = png(picture(at))
            tensor = preprocess(self.files[path])
            case: dict[str, Any] = {
                "input": path,
                "tensor_sha256": hashlib.sha256(tensor.tobytes()).hexdigest(),
                "logits": {},
                "label": {},
                "score": {},
            }
            for item in self.variants:
                if item.device != "cpu":
                    continue
                session = onnxruntime.InferenceSession(self.files[item.file], providers=["CPUExecutionProvider"])
                logits = session.run(None, {"image": tensor[None]})[0]
                case["logits"][item.name] = [float(value) for value in logits[0]]
                answer = predictions(logits, manifest, item)[0]
                case["label"][item.name], case["score"][item.name] = answer.label, answer.score
            cases.append(case)
        self.files["golden/golden.json"] = json.dumps({"schema": 1, "cases": cases}).encode()


def new_draft(**changes: Any) -> Draft:
    """Return a complete bundle of two variants, ready to seal or to spoil."""
    draft = Draft(**changes)
    draft.files |= {
        "models/cpu-int8.onnx": small_model(step=1 / 16),
        "models/cpu-fp32.onnx": small_model(),
        "golden/golden.json": b"{}",
    }
    if not draft.variants:
        draft.variants = [variant("cpu-int8", "models/cpu-int8.onnx", exact=False, tolerance=1e-4), variant()]
    draft.add_golden()
    return draft


def write_files(root: Path, files: Mapping[str, bytes]) -> Path:
    """Lay a bundle out as a directory."""
    for path, data in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return root


@pytest.fixture(scope="session")
def draft() -> Draft:
    """A complete bundle; do not change it."""
    return new_draft()


@pytest.fixture
def make_draft() -> Callable[..., Draft]:
    """Makes bundles that a test may spoil."""
    return new_draft


@pytest.fixture(scope="session")
def archive(draft: Draft, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle as one file."""
    path = tmp_path_factory.mktemp("bundle") / "animals.edge"
    path.write_bytes(draft.archive())
    return path


@pytest.fixture
def directory(draft: Draft, tmp_path: Path) -> Path:
    """The bundle as a directory of this test's own."""
    return write_files(tmp_path / "animals", draft.seal())


@pytest.fixture
def lay_out() -> Callable[[Path, Mapping[str, bytes]], Path]:
    """Writes a bundle's files below a directory."""
    return write_files


@pytest.fixture
def make_picture() -> Callable[..., Image.Image]:
    """Makes colorful pictures by seed and size."""
    return picture


@pytest.fixture
def make_variant() -> Callable[..., Variant]:
    """Makes a variant's entry for the small model."""
    return variant


@pytest.fixture
def make_model() -> Callable[..., bytes]:
    """Makes the small ONNX model."""
    return small_model


@pytest.fixture
def contract() -> ImagePreprocessing:
    """The small bundle's contract."""
    return CONTRACT
