"""A network of someone else's: it reads scans of digits, and comes as an old ONNX file with probabilities."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import helper
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn


@pytest.fixture(scope="session")
def digits() -> tuple[np.ndarray, np.ndarray]:
    """`(1797, 32, 32)` gray uint8 images and their digits."""
    found = load_digits()
    return np.kron((found.images * 15.9375).astype(np.uint8), np.ones((1, 4, 4), np.uint8)), found.target


@pytest.fixture(scope="session")
def digits_network(digits: tuple[np.ndarray, np.ndarray]) -> nn.Sequential:
    """Gray 32x32 in, softmax out: random convolutions, and a head that is fitted to what they see."""
    torch.manual_seed(0)
    trunk = nn.Sequential(
        nn.Conv2d(1, 16, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, 1, 1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
    ).eval()
    images, labels = digits
    with torch.inference_mode():
        seen = trunk(torch.from_numpy(images[:1000, None].astype(np.float32) / 255)).numpy()
    spread = seen.std()
    fitted = LogisticRegression(C=10, max_iter=1000).fit(seen / spread, labels[:1000])
    head = nn.Linear(seen.shape[1], 10)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(fitted.coef_ / spread))
        head.bias.copy_(torch.from_numpy(fitted.intercept_))
    return nn.Sequential(trunk, head, nn.Softmax(1)).eval()


@pytest.fixture(scope="session")
def digits_onnx(digits_network: nn.Sequential, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network by the old exporter: opset 12, a batch of one, and weights in `Constant` nodes."""
    path = tmp_path_factory.mktemp("elsewhere") / "digits.onnx"
    names = {"input_names": ["image"], "output_names": ["probabilities"]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(digits_network, (torch.zeros(1, 1, 32, 32),), path, dynamo=False, opset_version=12, **names)
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        model.graph.node.insert(0, helper.make_node("Constant", [], [tensor.name], value=tensor))
    del model.graph.initializer[:]
    path.write_bytes(model.SerializeToString())
    return path
