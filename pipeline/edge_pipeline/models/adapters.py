"""Low-rank adapters around an encoder: few parameters to train, none left over afterwards.

LoRA (Hu et al. 2021) gives every linear layer the same rank; AdaLoRA (Zhang et al. 2023) begins with more, and takes
ranks away where they do least.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from edge_export.text_networks import INSTALL_TEXT
from edge_runtime.errors import MachineError

if TYPE_CHECKING:
    from torch import nn

ALPHA = 2
"""Adapters are scaled by this, whatever their rank (`lora_alpha / r` of the paper)."""
DROPOUT = 0.05
WHERE = "all-linear"
FIRST_RANKS = 1.5
"""Ranks that AdaLoRA begins with, over those that it ends with; the paper's own choice."""
WARM, SETTLED, EVERY = 0.1, 0.3, 10
"""Shares of the steps before AdaLoRA takes ranks away and after it has taken the last, and steps between two looks."""
ORTHOGONAL = 0.1
"""Weight of AdaLoRA's penalty on singular vectors that are not orthogonal; the paper tried 0.1 to 0.5."""


def add_adapters(model: "nn.Module", rank: int) -> "nn.Module":
    """Return `model` with adapters at all its linear layers; they are trained, all else of it stays.

    Raises:
        MachineError: peft is not installed.
    """
    peft = _import_peft("--lora")
    config = peft.LoraConfig(r=rank, lora_alpha=ALPHA * rank, lora_dropout=DROPOUT, target_modules=WHERE)
    return cast("nn.Module", peft.get_peft_model(model, config))


def add_adaptive_adapters(model: "nn.Module", rank: int, steps: int) -> "nn.Module":
    """Return `model` with AdaLoRA's adapters at all its linear layers.

    Args:
        model: Of transformers.
        rank: That layers have on average at the end.
        steps: Of the whole training, which the number of ranks depends on.

    Raises:
        MachineError: peft is not installed.
    """
    peft = _import_peft("--adalora")
    first = max(rank + 1, round(FIRST_RANKS * rank))
    settled = min(round(SETTLED * steps), steps - 1)
    config = peft.AdaLoraConfig(
        init_r=first, target_r=rank, lora_alpha=ALPHA * first, lora_dropout=DROPOUT, target_modules=WHERE,
        total_step=steps, tinit=min(round(WARM * steps), steps - settled - 1), tfinal=settled, deltaT=EVERY,
        orth_reg_weight=ORTHOGONAL,
    )  # fmt: skip
    return cast("nn.Module", peft.get_peft_model(model, config))


def keep_adapters(model: "nn.Module", folder: Path) -> None:
    """Write the adapters as a directory that `peft.PeftModel.from_pretrained` puts around the base model again."""
    adapted = cast("Any", model)
    # AdaLoRA's last choice of ranks need not be that of the best epoch, whose weights these are: keep every rank.
    for config in adapted.peft_config.values():
        if hasattr(config, "rank_pattern"):
            config.rank_pattern = None if config.peft_type == "ADALORA" else config.rank_pattern
    adapted.save_pretrained(folder, safe_serialization=True)


def merge_adapters(model: "nn.Module") -> "nn.Module":
    """Return the model that adapters were added to, with what they learned in its own weights."""
    merged: nn.Module = cast("Any", model).merge_and_unload()
    return merged


def _import_peft(flag: str) -> Any:
    try:
        import peft  # pyright: ignore[reportMissingImports] - an extra
    except ImportError as error:
        raise MachineError(f"{flag} needs peft, which is missing; run: {INSTALL_TEXT}") from error
    return peft
