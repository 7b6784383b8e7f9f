"""The networks that are timed: with the weights whose accuracy was measured where there are any, and their hashes."""

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from quantization.trained import FOLDER, SIDE

if TYPE_CHECKING:
    from torch import nn

    from edge_export.quantize import Recipe

CLASSES = 10
RUNS = {"tf_efficientnet_lite0": "lite0", "mobilenetv3_large_100": "mobilenetv3", "resnet18": "resnet18"}
"""Network to the run that it was trained in."""


@dataclass(frozen=True)
class Subject:
    """A network to make every form of."""

    module: "nn.Module"
    weights: str
    """One clause: where they come from, and their hash."""
    recipe: "Recipe"
    """What ours is made by: what the search chose where accuracy was measured, else everything in int8."""


def subject(network: str) -> Subject:
    """Return a network; without a run, time does not depend on what the weights are."""
    import timm
    import torch

    from edge_export.capture.run_source import load_network
    from edge_export.quantize import RECIPES
    from edge_export.run import is_run, read_run

    torch.manual_seed(0)
    folder = FOLDER / RUNS.get(network, "")
    if network not in RUNS or not is_run(folder):
        module = timm.create_model(network, pretrained=False, num_classes=CLASSES).eval()
        return Subject(module, f"weights random, seed 0, {_hash(module)}", RECIPES["minmax"])
    run = read_run(folder)
    weights = f"weights {run.weights_sha256[:12]}, trained at {SIDE} px on Fashion-MNIST"
    return Subject(load_network(folder, run).eval(), weights, chosen_recipe(RUNS[network]) or RECIPES["minmax"])


def keep_recipe(name: str, recipe: dict[str, object]) -> None:
    """Keep what the search chose for a run."""
    (FOLDER / f"{name}.recipe.json").write_text(json.dumps(recipe) + "\n", encoding="utf-8")


def chosen_recipe(name: str) -> "Recipe | None":
    """Return what the search chose for a run; None where its accuracy was not measured here."""
    from edge_export.quantize import read_recipe

    file = FOLDER / f"{name}.recipe.json"
    return read_recipe(file) if file.exists() else None


def _hash(module: "nn.Module") -> str:
    digest = hashlib.sha256()
    for name, tensor in module.state_dict().items():
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()[:12]
