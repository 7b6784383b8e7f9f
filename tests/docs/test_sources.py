"""docs/sources.md runs: every command and the Python on it, on small real models and data."""

import json
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from sklearn.datasets import load_digits

from edge_export.architectures import create_network

PAGE = Path(__file__).parent.parent.parent / "docs" / "sources.md"
QUICK = ["--timing-seconds", "1", "--search-time", "0", "--calibration-samples", "32", "--max-drop", "50", "--fallback"]

FACTORY = """
import torch
from safetensors.torch import load_file
from torch import nn

class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(256, 10)

    def forward(self, images):
        return self.linear(nn.functional.avg_pool2d(images[:, :1], 2).flatten(1))

def make():
    model = Digits()
    model.load_state_dict(load_file("linear.safetensors"))
    return model
"""


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [block.strip() for block in found]


def write_data(folder: Path) -> None:
    images = np.kron((load_digits().images * 15.9375).astype(np.uint8), np.ones((1, 4, 4), np.uint8))
    labels = load_digits().target
    np.savez(folder / "digits.npz", x=images, y=labels)
    (folder / "frames").mkdir()
    for index, (image, label) in enumerate(zip(images[:600], labels[:600], strict=True)):
        (folder / "photos" / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / "photos" / str(label) / f"{index}.png")
        Image.fromarray(image).save(folder / "frames" / f"{index}.png")


def write_models(folder: Path) -> None:
    """Least squares on what each network sees is enough to be better than guessing."""
    found = load_digits()
    images = torch.from_numpy(np.kron((found.images / 16).astype(np.float32), np.ones((1, 4, 4), np.float32)))
    color = images[:, None].repeat(1, 3, 1, 1)
    (folder / "my_models.py").write_text(FACTORY)
    seen = torch.nn.functional.avg_pool2d(images[:, None], 2).flatten(1)
    save_file(
        {f"linear.{name}": value for name, value in solve(seen, found.target).items()}, folder / "linear.safetensors"
    )
    # Norms of each image make it the same network under every mean and standard deviation on the page.
    layers = torch.nn.InstanceNorm2d(3), torch.nn.AvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(768, 10)
    module = torch.nn.Sequential(*layers).eval()
    module[3].load_state_dict(solve(module[:3](color), found.target))
    names = {"input_names": ["image"], "output_names": ["logits"], "verbose": False}
    torch.onnx.export(module, (torch.zeros(1, 3, 32, 32),), folder / "model.onnx", dynamo=True, **names)
    write_timm_weights(folder, color[:600], found.target[:600])


def write_timm_weights(folder: Path, color: torch.Tensor, labels: np.ndarray) -> None:
    network = create_network("test_resnet", 10)
    contract, module = network.preprocessing(), network.module.eval()
    with torch.inference_mode():
        large = torch.nn.functional.interpolate(color, (contract.crop_height,) * 2, mode="bilinear")
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (contract.mean, contract.std))
        seen = module.forward_head(module.forward_features((large - mean) / std), pre_logits=True)
        module.get_submodule(network.head).load_state_dict(solve(seen, labels))
    save_file(module.state_dict(), folder / "weights.safetensors")


@torch.no_grad()
def solve(seen: torch.Tensor, labels: np.ndarray) -> dict[str, torch.Tensor]:
    """Fit a linear layer by least squares."""
    wanted = torch.nn.functional.one_hot(torch.from_numpy(labels), 10).float()
    padded = torch.cat([seen, torch.ones(len(seen), 1)], dim=1)
    found = torch.linalg.lstsq(padded, wanted, driver="gelsd").solution.T.contiguous()
    return {"weight": found[:, :-1].contiguous(), "bias": found[:, -1].contiguous()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("elsewhere")
    write_data(root)
    write_models(root)
    (root / "labels.txt").write_text("\n".join("0123456789"))
    (root / "contract.toml").write_text(blocks("toml")[0])
    (root / "hf_model").mkdir()
    (root / "hf_model" / "config.json").write_text(json.dumps({"architectures": ["ResNetForImageClassification"]}))
    (root / "hf_model" / "preprocessor_config.json").write_text(json.dumps({"size": 32}))
    return root


@pytest.mark.slow
@pytest.mark.parametrize("line", blocks("sh"))
def test_commands_run(folder: Path, line: str):
    command = [*shlex.split(line), *QUICK, "fp32"]
    out = folder / command[command.index("-o") + 1]
    out.unlink(missing_ok=True)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if "hf_model" in line and find_spec("transformers") is None:
        assert done.returncode == 1
        assert 'pip install "edge-toolchain[huggingface]"' in done.stderr
        return
    assert done.returncode == 0, done.stderr
    assert out.is_file()


@pytest.mark.slow
def test_the_python_runs(folder: Path):
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks("python"))], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Outcome.SHIPPED" in done.stdout
