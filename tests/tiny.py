"""Fixtures: a tiny network whose head is fitted to three kinds of pictures, so that it answers with margins."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression

from edge_export.architectures import create_network
from edge_export.config import ExportData
from edge_export.run import WEIGHTS_FILE, DataReference, Run, write_run
from edge_runtime.image import ImagePreprocessor

LABELS = ("blue", "green", "red")
SIZE = 64
COUNTS = {"train": 24, "val": 24, "test": 400}


def paint(kind: int, generator: np.random.Generator) -> np.ndarray:
    """A noisy picture in which channel `2 - kind` is the bright one."""
    pixels = generator.integers(0, 120, (SIZE, SIZE, 3))
    pixels[..., 2 - kind] += 120
    return pixels.astype(np.uint8)


@pytest.fixture(scope="session")
def picture_data(tmp_path_factory: pytest.TempPathFactory) -> ExportData:
    root = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(0)
    splits = {}
    for split, count in COUNTS.items():
        items = []
        for index in range(count):
            path = root / f"{split}-{index}.png"
            Image.fromarray(paint(index % 3, generator)).save(path)
            items.append((path, index % 3))
        splits[split] = items
    return ExportData(splits, {name: f"fingerprint-{name}" for name in splits})


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory, picture_data: ExportData) -> Path:
    directory = tmp_path_factory.mktemp("run")
    torch.manual_seed(0)
    network = create_network("test_resnet", len(LABELS))
    contract = network.preprocessing(SIZE)
    module = network.module.eval()
    preprocess = ImagePreprocessor(contract)
    items = picture_data.splits["train"]
    with torch.inference_mode():
        features = module.forward_head(
            module.forward_features(torch.from_numpy(np.stack([preprocess(path) for path, _ in items]))),
            pre_logits=True,
        ).numpy()
    spread = features.std() + 1e-9
    head = LogisticRegression(C=1e4, max_iter=2000).fit(features / spread, [label for _, label in items])
    layer = module.get_submodule(network.head)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(head.coef_ / spread).float())
        layer.bias.copy_(torch.from_numpy(head.intercept_).float())
    save_file({name: value.contiguous() for name, value in module.state_dict().items()}, directory / WEIGHTS_FILE)
    digest = hashlib.sha256((directory / WEIGHTS_FILE).read_bytes()).hexdigest()
    reference = DataReference(str(directory), dict(picture_data.fingerprints))
    write_run(
        directory,
        Run(
            "test_resnet",
            LABELS,
            "image-classification",
            contract,
            reference,
            {"seed": 0},
            {},
            {"kind": "none"},
            digest,
        ),
    )
    return directory
