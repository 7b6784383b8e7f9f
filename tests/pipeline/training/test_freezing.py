"""Frozen parts: where a network is cut, what is stored, and that it changes nothing but the time."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from edge_export.architectures import create_network
from edge_pipeline.data import Dataset
from edge_pipeline.models.folding import folded
from edge_pipeline.models.freezing import cut_network
from edge_pipeline.training import TrainConfig, train
from edge_pipeline.training.features import features_key, store_features, stored_features
from edge_pipeline.training.loader import ImageBatches, items_of
from edge_pipeline.training.progress import Silent
from edge_runtime.errors import InputError


class Phases(Silent):
    def __init__(self) -> None:
        self.names: list[str] = []

    def start(self, name: str, total: int) -> None:
        self.names.append(name)


@pytest.mark.parametrize(
    ("model", "freeze"),
    [
        ("test_efficientnet", "backbone"),
        ("test_efficientnet", "stages:2"),
        ("test_resnet", "stages:3"),
        ("torchvision/resnet18", "stages:4"),
        ("torchvision/resnet18", "backbone"),
        ("test_vit", "backbone"),
    ],
)
def test_the_two_parts_are_the_network(model: str, freeze: str) -> None:
    network = create_network(model, 5)
    cut = cut_network(network, freeze)
    images = torch.randn(2, 3, network.size, network.size)
    assert cut.trunk is not None
    with torch.inference_mode():
        torch.testing.assert_close(cut.tail(cut.trunk(images)), network.module(images), rtol=1e-4, atol=1e-5)
    trained = {name for name, parameter in network.module.named_parameters() if parameter.requires_grad}
    assert trained
    assert len(trained) < len(list(network.module.parameters()))
    if freeze == "backbone":
        assert all(name.startswith(network.head) for name in trained)


@pytest.mark.parametrize(
    ("model", "freeze", "message"),
    [
        ("test_efficientnet", "stages:99", "has 5 stages; give 1 to 5"),
        ("test_efficientnet", "half", "give none, backbone or stages:N"),
        ("test_vit", "stages:1", "cannot be cut there"),
        ("torchvision/squeezenet1_1", "backbone", "cannot be cut there.*try --freeze none"),
    ],
)
def test_a_cut_that_would_change_the_network_is_refused(model: str, freeze: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cut_network(create_network(model, 5), freeze)


@pytest.mark.parametrize(("model", "left"), [("test_efficientnet", False), ("torchvision/densenet121", True)])
def test_folding_keeps_the_answers(model: str, left: bool) -> None:
    network = create_network(model, 5)
    for layer in network.module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(layer.running_mean, -0.5, 0.5)
            torch.nn.init.uniform_(layer.running_var, 0.5, 2.0)
    images = torch.randn(2, 3, network.size, network.size)
    quick = folded(network.module, images[:1])
    assert any(isinstance(layer, torch.nn.BatchNorm2d) for layer in quick.modules()) == left
    with torch.inference_mode():
        torch.testing.assert_close(quick(images), network.module.eval()(images), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("freeze", ["backbone", "stages:4"])
def test_features_are_computed_once_and_the_frozen_part_stays(
    freeze: str, dataset: Dataset, tiny: TrainConfig, tmp_path: Path
) -> None:
    heard = Phases()
    train(dataset, tmp_path / "run", replace(tiny, freeze=freeze), progress=heard)
    assert heard.names.count("features of train") == 1
    torch.manual_seed(tiny.seed)
    before = create_network(tiny.model, 4)
    trained = load_file(tmp_path / "run" / "weights.safetensors")
    cut = cut_network(before, freeze)
    moved = {id(parameter) for parameter in cut.tail.parameters()}
    for name, parameter in before.module.named_parameters():
        assert torch.equal(parameter, trained[name]) == (id(parameter) not in moved), name


def test_stored_features_are_the_trunks(dataset: Dataset, tmp_path: Path) -> None:
    network = create_network("test_efficientnet", 4)
    cut = cut_network(network, "backbone")
    items = items_of(dataset.splits["val"])
    images = ImageBatches(items, network.preprocessing(32), workers=0)
    assert cut.trunk is not None
    trunk = cut.trunk.eval()
    with torch.inference_mode():
        stored = store_features(tmp_path, "val", features_key(a=1), images, trunk, half=False, batch_size=7)
        [wanted] = [trunk(tensor) for tensor in images.read([[3, 0, 39]], None)]
    [rows] = list(stored.read([[3, 0, 39]], 1))
    torch.testing.assert_close(rows, wanted, rtol=1e-5, atol=1e-5)
    assert stored_features(tmp_path, "val", features_key(a=1)) is not None
    assert stored_features(tmp_path, "val", features_key(a=2)) is None
    with (tmp_path / "val.bin").open("rb+") as file:
        file.truncate(100)
    assert stored_features(tmp_path, "val", features_key(a=1)) is None
