"""Real digits on disk and a tiny real network, so that a training takes a second."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from edge_pipeline.data import Dataset, open_dataset
from edge_pipeline.training import TrainConfig


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Networks this small lose more in hand-over between threads than they gain."""
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's user cache out of the tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scanned digits 0 to 3, 8x8 pixels: 120 train, 40 val, 60 test."""
    root = tmp_path_factory.mktemp("digits")
    data = load_digits(n_class=4)
    order = np.random.default_rng(0).permutation(len(data.images))
    for split, first, last in (("train", 0, 120), ("val", 120, 160), ("test", 160, 220)):
        for index in order[first:last]:
            folder = root / split / str(data.target[index])
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray((data.images[index] * 15).astype(np.uint8)).save(folder / f"{index}.png")
    return root


@pytest.fixture(scope="session")
def dataset(digits: Path) -> Dataset:
    return open_dataset(digits)


@pytest.fixture
def tiny() -> TrainConfig:
    """A whole training of timm's 0.1 M parameter EfficientNet at 32 pixels."""
    return TrainConfig(
        model="test_efficientnet", weights="none", size=32, epochs=3, batch_size=16, learning_rate=5e-3, workers=0,
        precision="fp32",
    )  # fmt: skip
