"""Named sets of choices; whatever the user says explicitly goes over them."""

from collections.abc import Mapping
from typing import Any

from edge_pipeline.training.config import TrainConfig
from edge_runtime.errors import InputError

PRESETS: dict[str, dict[str, Any]] = {
    # All of the network, as `TrainConfig` has it.
    "full": {},
    # The textbook recipe: Resize 256 and CenterCrop 224 are the architecture's own contract.
    "classic": {
        "model": "torchvision/resnet18",
        "size": 224,
        "epochs": 10,
        "batch_size": 4,
        "optimizer": "sgd",
        "learning_rate": 0.001,
        "momentum": 0.9,
        "weight_decay": 0.0,
        "schedule": "constant",
        "warmup": 0.0,
        "label_smoothing": 0.0,
        "augment": "standard",
        "patience": None,
    },
    # Minutes on two cores: all but the end of the network is computed once for each image.
    "quick": {
        "model": "tf_efficientnet_lite0",
        "freeze": "stages:6",
        "epochs": 5,
        "learning_rate": 2e-3,
        "augment": "none",
        "patience": None,
    },
    # A small text encoder, all of it: a few passes, and the deeper a layer the less of what it knows is changed.
    "text": {
        "model": "sentence-transformers/all-MiniLM-L6-v2",
        "epochs": 4,
        "batch_size": 16,
        "learning_rate": 3e-4,
        "layer_decay": 0.8,
        "augment": "none",
        "patience": 3,
    },
    # A new head on features that are computed once: an epoch takes a second, and nothing that was learned is at risk.
    "text-frozen": {
        "model": "sentence-transformers/all-MiniLM-L6-v2",
        "freeze": "backbone",
        "epochs": 20,
        "batch_size": 16,
        "learning_rate": 1e-2,
        "augment": "none",
        "patience": 5,
    },
    # Adapters begin from nothing, so they need larger steps.
    "text-lora": {
        "model": "sentence-transformers/all-MiniLM-L6-v2",
        "lora": 8,
        "epochs": 5,
        "batch_size": 16,
        "learning_rate": 2e-3,
        "augment": "none",
        "patience": 3,
    },
    # A small encoder that has learned nothing yet, for languages without a pretrained one.
    "text-scratch": {
        "model": "scratch",
        "epochs": 5,
        "batch_size": 32,
        "learning_rate": 1e-3,
        "augment": "none",
        "patience": 2,
    },
}


DECIDED_BY_QUICK = ("model", "freeze", "augment")
"""Choices that `quick` is about: who makes one of them does not mean `quick`."""


def preset_for(explicit: Mapping[str, Any], has_gpu: bool) -> str:
    """Choose a preset for someone who named none: `quick` where all of the network would take hours.

    Args:
        explicit: The choices that were made by name.
        has_gpu: There is a GPU to train on.
    """
    return "full" if has_gpu or any(name in explicit for name in DECIDED_BY_QUICK) else "quick"


def config_from(preset: str | None = None, overrides: Mapping[str, Any] | None = None) -> TrainConfig:
    """Return the defaults, changed by `preset`, changed by `overrides`.

    Raises:
        InputError: there is no such preset, or a value is out of range.
    """
    if preset is not None and preset not in PRESETS:
        raise InputError(f"--preset {preset}: not known; give one of {', '.join(PRESETS)}")
    values = {**(PRESETS[preset] if preset else {}), **(overrides or {})}
    if values.get("adalora") and "lora" not in (overrides or {}):
        values["lora"] = None  # one kind of adapters takes the place of the preset's
    return TrainConfig(**values)
