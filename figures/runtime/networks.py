"""The bundles that figures run: one usual int8 network and one so small that only the runtime's own work shows."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_export.architectures import create_network
from edge_export.bundle_writer import seal
from edge_export.capture.torch_module import export_module
from edge_export.golden import GOLDEN_FILE, golden_file
from edge_export.golden_images import golden_images
from edge_export.sessions import predictor
from edge_pipeline.models.weights import load_weights
from edge_runtime.bundle import canonical_archive
from edge_runtime.image import ImagePreprocessor
from edge_runtime.manifest import Manifest, TensorInfo, Variant
from edge_runtime.preprocessing import ImagePreprocessing, Resize

if TYPE_CHECKING:
    import onnx

USUAL = "EfficientNet-Lite0 int8, 224 px, 1000 labels"
SMALL = "one 8x8 convolution, 32 px, 10 labels"
CLASSES = 1000


@functools.cache
def usual_bundle() -> Path:
    """Return a `.edge` file with `USUAL`: ImageNet's weights, ONNX Runtime's own U8S8 per-channel quantizer."""
    from onnxruntime import quantization

    network = create_network("tf_efficientnet_lite0", CLASSES)
    load_weights(network, "auto")
    contract = network.preprocessing()
    preprocess = ImagePreprocessor(contract)

    class Pictures(quantization.CalibrationDataReader):  # type: ignore[misc] - ONNX Runtime has no types
        def __init__(self) -> None:
            self.left = (preprocess(data)[None] for seed in range(2) for data in golden_images(seed).values())

        def get_next(self) -> Any:
            tensor = next(self.left, None)
            return None if tensor is None else {"input": tensor}

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "a.onnx"), Path(folder, "b.onnx")
        source.write_bytes(export_module(network.module, (3, 224, 224)).SerializeToString())
        quantization.quant_pre_process(source, source)
        quantization.quantize_static(
            source,
            target,
            Pictures(),
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        return _store("usual.edge", target.read_bytes(), contract, tuple(str(at) for at in range(CLASSES)))


@functools.cache
def small_network_bundle() -> Path:
    """Return a `.edge` file with MobileNetV3-Small at half width, 64 px, seeded weights: quick to run often."""
    import torch

    torch.manual_seed(0)
    network = create_network("mobilenetv3_small_050", 10)
    contract = ImagePreprocessing(Resize(64, 64, "exact", "bilinear"), 64, 64, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    model = export_module(network.module, (3, 64, 64)).SerializeToString()
    return _store("network.edge", model, contract, tuple("abcdefghij"))


@functools.cache
def small_bundle() -> Path:
    """Return a `.edge` file with `SMALL`, which takes no resize."""
    contract = ImagePreprocessing(Resize(32, 32, "exact", "bilinear"), 32, 32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return _store("small.edge", _small_model().SerializeToString(), contract, tuple("abcdefghij"))


def _small_model() -> onnx.ModelProto:
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    weight = random.normal(0, 0.1, (10, 3, 8, 8)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["input", "w"], ["a"], strides=[8, 8]),
        helper.make_node("GlobalAveragePool", ["a"], ["b"]),
        helper.make_node("Flatten", ["b"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []
"""Removed when the process ends."""


def _store(name: str, model: bytes, contract: ImagePreprocessing, labels: tuple[str, ...]) -> Path:
    side = contract.crop_width
    variant = Variant(
        name="cpu",
        file="variants/cpu.onnx",
        precision="int8",
        device="cpu",
        inputs=(TensorInfo("input", "float32", ("batch", 3, side, side)),),
        outputs=(TensorInfo("logits", "float32", ("batch", len(labels))),),
        exact=False,
        tolerance=1e-3,
    )
    manifest = Manifest(
        name=Path(name).stem,
        version="1",
        task="image-classification",
        labels=labels,
        preprocessing=contract,
        variants=(variant,),
        golden=GOLDEN_FILE,
        content_id="",
        files=(),
        recipe={},
        provenance={},
    )
    images = golden_images()
    files = {variant.file: model, **images}
    files[GOLDEN_FILE] = golden_file(images, manifest, {"cpu": predictor(model, threads=1)})
    _KEPT.append(tempfile.TemporaryDirectory(prefix="edge-figures-"))
    path = Path(_KEPT[-1].name, name)
    path.write_bytes(canonical_archive(seal(manifest, files)[1]))
    return path


def photos(count: int, size: tuple[int, int] = (640, 480)) -> Iterator[np.ndarray]:
    """Yield smooth random pictures, `(height, width, 3)` uint8: they compress and resize as photos do."""
    from PIL import Image

    for seed in range(count):
        coarse = np.random.default_rng(seed).integers(0, 256, (12, 16, 3), dtype=np.uint8)
        yield np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))
