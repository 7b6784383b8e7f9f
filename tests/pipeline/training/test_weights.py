"""Initial weights: where they come from, and what is refused."""

import contextlib
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from edge_export.architectures import create_network
from edge_export.state_dict import read_state
from edge_pipeline.models.packages import WEIGHT_PACKAGES, installed_weights
from edge_pipeline.models.weights import load_weights
from edge_runtime.errors import InputError


@pytest.fixture
def tiny_state() -> dict[str, torch.Tensor]:
    torch.manual_seed(5)
    return create_network("test_efficientnet", 4).module.state_dict()


def test_a_package_fills_lite0_with_working_weights() -> None:
    pytest.importorskip(WEIGHT_PACKAGES["tf_efficientnet_lite0"].module)
    network = create_network("tf_efficientnet_lite0", 1000)
    source = load_weights(network, "auto")
    assert (source.kind, source.licence) == ("package", "Apache-2.0")
    assert source.sha256 == "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
    assert source.notes == ()
    # A red disc on white: tensors in a wrong order see noise, ImageNet's network sees a ball.
    y, x = np.mgrid[-1:1:224j, -1:1:224j]
    image = np.where((x**2 + y**2 < 0.4)[None], np.array([0.6, -0.9, -0.9])[:, None, None], 1.0)
    with torch.inference_mode():
        logits = network.module.eval()(torch.from_numpy(image).float()[None])[0]
    ping_pong_ball, balloon, croquet_ball = 722, 417, 522
    assert int(logits.argmax()) == ping_pong_ball
    assert {balloon, croquet_ball} < set(logits.topk(5).indices.tolist())
    assert float(logits.max()) == pytest.approx(8.05, abs=0.01)


def test_a_head_of_another_size_is_dropped_and_said() -> None:
    pytest.importorskip(WEIGHT_PACKAGES["tf_efficientnet_lite0"].module)
    network = create_network("tf_efficientnet_lite0", 7)
    source = load_weights(network, "auto")
    assert "1000 classes" in source.notes[0]
    assert "7 classes" in source.notes[0]


@pytest.mark.parametrize("ending", [".safetensors", ".pth"])
def test_a_file_of_the_same_architecture(ending: str, tiny_state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / f"weights{ending}"
    save_file(tiny_state, path) if ending == ".safetensors" else torch.save({"state_dict": tiny_state}, path)
    network = create_network("test_efficientnet", 4)
    source = load_weights(network, str(path))
    assert source.kind == "file"
    assert all(torch.equal(tensor, tiny_state[name]) for name, tensor in network.module.state_dict().items())


def test_a_file_of_another_architecture(tiny_state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file(tiny_state, path)
    with pytest.raises(InputError, match=r"not weights of test_resnet: \d+ of \d+ tensors do not fit, first conv1"):
        load_weights(create_network("test_resnet", 4), str(path))


class _Attack:
    def __init__(self, target: Path) -> None:
        self._target = target

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return (os.mkdir, (str(self._target),))


def test_a_pickle_that_runs_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    path, trace = tmp_path / "evil.pth", tmp_path / "was-here"
    torch.save({"weight": torch.zeros(1), "attack": _Attack(trace)}, path)
    with pytest.raises(InputError, match=r"refused, it holds something other than plain tensors"):
        read_state(path)
    path.write_bytes(pickle.dumps(_Attack(trace)))
    with pytest.raises(InputError, match=r"refused"):
        read_state(path)
    assert not trace.exists()


def test_a_file_that_is_damaged_anywhere_is_one_line(tmp_path: Path) -> None:
    path, moments = tmp_path / "a.pth", random.Random(1)
    torch.save({"a": torch.ones(3, 4)}, path, _use_new_zipfile_serialization=False)
    whole = path.read_bytes()
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(4):
            damaged[moments.randrange(len(damaged))] = moments.randrange(256)
        path.write_bytes(damaged)
        with contextlib.suppress(InputError):
            read_state(path)


@pytest.mark.parametrize(("name", "content"), [("a.safetensors", b"\x08"), ("a.pth", b"hello")])
def test_a_damaged_file(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name):
        read_state(tmp_path / name)


def test_a_missing_file() -> None:
    with pytest.raises(InputError, match="no such file; give auto, none"):
        load_weights(create_network("test_resnet", 4), "nowhere.safetensors")


def test_offline_it_names_the_three_ways(tmp_path: Path) -> None:
    """In a process of its own: the hub's client reads its environment once."""
    code = """
from edge_export.architectures import create_network
from edge_pipeline.models.weights import load_weights
from edge_runtime.errors import MachineError
for name in ("test_resnet", "torchvision/resnet18"):
    try:
        load_weights(create_network(name, 4), "auto")
    except MachineError as error:
        print(error)
"""
    nowhere = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "TORCH_HOME": str(tmp_path)}
    nowhere["https_proxy"] = "http://127.0.0.1:9"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, env=os.environ | nowhere, capture_output=True, text=True, check=True)
    timm_says, torchvision_says = done.stdout.splitlines()
    assert timm_says.startswith("test_resnet: no pretrained weights on this machine")
    assert torchvision_says.startswith("torchvision/resnet18: no pretrained weights on this machine")
    for way in ("edge-toolchain[samples]", "hub's cache", "--weights PATH"):
        assert way in timm_says
        assert way in torchvision_says


def test_the_hubs_cache_is_read_without_a_network(
    tiny_state: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = create_network("torchvision/resnet18", 1000)
    from torchvision import models

    name = models.ResNet18_Weights.DEFAULT.url.rpartition("/")[2]
    (tmp_path / "checkpoints").mkdir()
    wanted = create_network("torchvision/resnet18", 1000).module.state_dict()
    torch.save(wanted, tmp_path / "checkpoints" / name)
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    assert load_weights(network, "auto").kind == "hub-cache"
    assert torch.equal(network.module.state_dict()["fc.weight"], wanted["fc.weight"])


def test_no_package_for_other_networks() -> None:
    assert installed_weights("resnet18") is None
