"""Checkpoints: tensors and JSON in one safetensors file, replaced in one step, nothing pickled."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    from edge_pipeline.training.rank_budget import Regimen

CHECKPOINT_FILE = "checkpoint.safetensors"
_MODEL, _OPTIMIZER, _REGIMEN = "model.", "optimizer.", "regimen."


@dataclass(frozen=True)
class Progress:
    """How far a training has come, in JSON-ready values.

    Random numbers need no place here: each epoch seeds its own from the training's seed and its number.
    """

    epoch: int
    """Epochs that are complete."""
    best_epoch: int | None
    best_score: float
    best_loss: float
    history: list[dict[str, Any]]
    """One row for each epoch, as in `metrics.jsonl`."""
    stopped: bool = False
    """Early stopping ended the training."""
    scaler: dict[str, Any] | None = None
    """State of fp16's loss scale."""


def write_checkpoint(
    directory: Path,
    model: "nn.Module",
    optimizer: "Optimizer",
    progress: Progress,
    regimen: "Regimen | None" = None,
) -> None:
    """Write a checkpoint; a kill at any moment leaves the old one or the new one."""
    tensors = {_MODEL + name: tensor for name, tensor in model.state_dict().items()}
    if regimen is not None:
        tensors |= {_REGIMEN + name: tensor for name, tensor in regimen.state().items()}
    state = optimizer.state_dict()
    plain: dict[str, dict[str, Any]] = {}
    for index, values in state["state"].items():
        for name, value in values.items():
            if hasattr(value, "shape"):
                tensors[f"{_OPTIMIZER}{index}.{name}"] = value
            else:
                plain.setdefault(str(index), {})[name] = value
    document = {"progress": vars(progress), "groups": state["param_groups"], "plain": plain}
    save_tensors(directory / CHECKPOINT_FILE, tensors, {"edge": json.dumps(document)})


def read_checkpoint(
    directory: Path, model: "nn.Module", optimizer: "Optimizer", regimen: "Regimen | None" = None
) -> Progress | None:
    """Put a checkpoint's state into `model`, `optimizer` and `regimen`; return its progress, if there is one.

    Raises:
        InputError: the file is damaged or belongs to another network.
    """
    from safetensors import SafetensorError, safe_open

    path = directory / CHECKPOINT_FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            document = json.loads(file.metadata()["edge"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        model.load_state_dict({n.removeprefix(_MODEL): t for n, t in tensors.items() if n.startswith(_MODEL)})
        optimizer.load_state_dict(_optimizer_state(document, tensors))
        _lay_out(optimizer)
        if regimen is not None:
            regimen.load({n.removeprefix(_REGIMEN): t for n, t in tensors.items() if n.startswith(_REGIMEN)})
        return Progress(**document["progress"])
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: cannot be resumed from ({error}); train into a new directory") from error


def _optimizer_state(document: dict[str, Any], tensors: "dict[str, Tensor]") -> dict[str, Any]:
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in document["plain"].items()}
    for full_name, tensor in tensors.items():
        if full_name.startswith(_OPTIMIZER):
            index, name = full_name.removeprefix(_OPTIMIZER).split(".", 1)
            state.setdefault(int(index), {})[name] = tensor
    return {"state": state, "param_groups": document["groups"]}


def _lay_out(optimizer: "Optimizer") -> None:
    """Give the optimizer's tensors the strides of their parameters, which a fused step takes for granted.

    A file holds tensors row by row; the kernels of a network in channels-last are not.
    """
    import torch

    for parameter, values in optimizer.state.items():
        for name, value in values.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                values[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def save_tensors(path: Path, tensors: "dict[str, Tensor]", metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file beside its place, flush it to the disk, and move it there in one step."""
    from safetensors.torch import save_file

    temporary = path.with_name(path.name + ".tmp")
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(contiguous, temporary, metadata)
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
