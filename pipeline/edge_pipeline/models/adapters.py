"""Low-rank adapters (LoRA, Hu et al. 2021) around an encoder: few parameters to train, none left over afterwards."""

from typing import TYPE_CHECKING, Any, cast

from edge_export.text_networks import INSTALL_TEXT
from edge_runtime.errors import MachineError

if TYPE_CHECKING:
    from torch import nn

ALPHA = 2
"""Adapters are scaled by this, whatever their rank (`lora_alpha / r` of the paper)."""


def add_adapters(model: "nn.Module", rank: int) -> "nn.Module":
    """Return `model` with adapters at all its linear layers; they are trained, all else of it stays.

    Raises:
        MachineError: peft is not installed.
    """
    try:
        from peft import LoraConfig, get_peft_model  # pyright: ignore[reportMissingImports] - an extra
    except ImportError as error:
        raise MachineError(f"--lora needs peft, which is missing; run: {INSTALL_TEXT}") from error
    config = LoraConfig(r=rank, lora_alpha=ALPHA * rank, lora_dropout=0.05, target_modules="all-linear")
    adapted: nn.Module = get_peft_model(model, config)
    return adapted


def merge_adapters(model: "nn.Module") -> "nn.Module":
    """Return the model that `add_adapters` was given, with what the adapters learned in its own weights."""
    merged: nn.Module = cast("Any", model).merge_and_unload()
    return merged
