"""Networks by name, from a factory and from Hugging Face directories."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from edge_export.architectures import create_network
from edge_export.capture import SourceOptions, capture
from edge_export.capture.huggingface import contract_of_processor
from edge_export.capture.torch_module import export_module
from edge_export.sessions import predictor
from edge_runtime.errors import InputError


@pytest.fixture
def weights(tmp_path: Path) -> tuple[Path, torch.nn.Module]:
    torch.manual_seed(0)
    module = create_network("test_resnet", 7).module.eval()
    save_file(module.state_dict(), tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors", module


def test_a_timm_network_with_as_many_answers_as_its_weights(weights):
    path, module = weights
    captured = capture("timm:test_resnet", SourceOptions(weights=path))
    assert len(captured.labels) == 7
    assert captured.preprocessing == create_network("test_resnet", 7).preprocessing()
    assert captured.provenance["weights_sha256"]
    batch = np.random.default_rng(0).standard_normal((2, *captured.preprocessing.tensor_shape), dtype=np.float32)
    logits = predictor(captured.model.SerializeToString())(batch)
    np.testing.assert_allclose(logits, module(torch.from_numpy(batch)).detach().numpy(), atol=1e-5)


@pytest.mark.slow
def test_a_torchvision_network_at_another_size(tmp_path):
    network = create_network("torchvision/squeezenet1_1", 3)
    torch.save(network.module.state_dict(), tmp_path / "w.pth")
    captured = capture(
        "torchvision:squeezenet1_1", SourceOptions(weights=tmp_path / "w.pth", preprocessing="imagenet:40,32")
    )
    assert captured.preprocessing.tensor_shape == (3, 32, 32)
    assert captured.provenance["source"] == "torchvision"


@pytest.mark.parametrize(
    ("source", "given", "words"),
    [
        ("timm:test_resnet", None, "untrained without weights; give --weights"),
        ("timm:test_resnet", "none.safetensors", "no such file"),
        ("timm:no_such_net", "weights.safetensors", "neither timm nor torchvision has it"),
        ("timm:test_efficientnet", "weights.safetensors", "the classifier of test_efficientnet, in it"),
        ("torchvision:resnet18", "weights.safetensors", "not weights of ResNet"),
    ],
)
def test_names_and_weights_that_do_not_fit(weights, source, given, words):
    path = weights[0].with_name(given) if given else None
    with pytest.raises(InputError, match=words):
        capture(source, SourceOptions(weights=path))


def test_weights_that_are_not_finite_are_named(weights):
    module = weights[1]
    with torch.no_grad():
        module.get_parameter("conv1.0.weight")[0] = float("nan")
    with pytest.raises(InputError, match=r"of conv1\.0\.weight are NaN or infinite"):
        export_module(module, (3, 32, 32))


FACTORY = """
from torch import nn
def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
def flat():
    return nn.Linear(4, 3)
def broken():
    raise RuntimeError("no such disk")
nothing = dict
"""


@pytest.fixture
def factories(tmp_path, monkeypatch) -> str:
    """A module in the working directory; its name is new each time, since Python imports a name once."""
    name = f"factories_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(FACTORY)
    monkeypatch.chdir(tmp_path)
    return name


def test_a_factory_of_the_users_own(factories, tmp_path):
    first = capture(f"{factories}:net", SourceOptions(preprocessing="scale255:16", labels=("a", "b", "c")))
    assert first.labels == ("a", "b", "c")
    assert first.preprocessing.tensor_shape == (3, 16, 16)


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("net", {}, "give --preprocess"),
        ("missing", {"preprocessing": "raw:8"}, "AttributeError: module .* has no attribute 'missing'"),
        ("broken", {"preprocessing": "raw:8"}, "RuntimeError: no such disk"),
        ("nothing", {"preprocessing": "raw:8"}, "gave a dict; a torch.nn.Module is expected"),
        ("flat", {"preprocessing": "raw:8"}, r"does not take a batch \(2, 3, 8, 8\)"),
        ("net", {"preprocessing": "raw:8", "labels": ("a",)}, "3 outputs, but 1 labels"),
        ("net", {"preprocessing": "raw:8", "output": "y"}, "one input and one output"),
    ],
)
def test_factories_that_give_nothing(factories, name, options, words):
    with pytest.raises(InputError, match=words):
        capture(f"{factories}:{name}", SourceOptions(**options))


def test_a_factory_that_is_not_there():
    with pytest.raises(InputError, match=r"ModuleNotFoundError: No module named 'no_such_package'"):
        capture("no_such_package.models:make", SourceOptions(preprocessing="raw:8"))


PROCESSOR = {
    "do_resize": True,
    "size": {"shortest_edge": 256},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.25, 0.25, 0.25],
}


def test_image_processors_become_contracts():
    contract = contract_of_processor(PROCESSOR)
    assert (contract.resize.width, contract.resize.rule, contract.resize.kernel) == (256, "short_side", "bicubic")
    assert (contract.crop_width, contract.mean, contract.std) == (224, (0.5,) * 3, (0.25,) * 3)
    # ViT's own: to a square at once, without a crop; older files give one number.
    for size in ({"height": 224, "width": 224}, 224):
        square = contract_of_processor({**PROCESSOR, "size": size, "do_center_crop": False, "resample": 2})
        assert (square.resize.rule, square.resize.kernel, square.crop_height) == ("exact", "bilinear", 224)


@pytest.mark.parametrize(
    "change", [{"size": {"longest_edge": 800}}, {"resample": 1}, {"do_center_crop": False}, {"image_mean": [0.5]}]
)
def test_image_processors_that_no_contract_describes(tmp_path, change):
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["ViTForImageClassification"]}))
    (tmp_path / "preprocessor_config.json").write_text(json.dumps({**PROCESSOR, **change}))
    with pytest.raises(InputError, match=r"not understood .*; say what it does with --preprocess"):
        capture(str(tmp_path), SourceOptions())
