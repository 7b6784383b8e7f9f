"""What AdaLoRA does in each step besides learning: it keeps its vectors orthogonal and takes ranks away."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Regimen(Protocol):
    """What a way of training does in each step besides the loss of the data; it may keep numbers of its own."""

    def penalty(self) -> "Tensor":
        """Return what is added to the loss."""
        ...

    def after_step(self, step: int) -> None:
        """Act after step `step` of the whole training, from 0, while its gradients are still there."""
        ...

    def state(self) -> "dict[str, Tensor]":
        """Return what a resumed training needs."""
        ...

    def load(self, state: "Mapping[str, Tensor]") -> None:
        """Take up what `state` gave."""
        ...


AVERAGES = ("ipt", "exp_avg_ipt", "exp_avg_unc")
"""peft's names for how much each weight matters: now, on average, and how uncertain that is."""
PATTERN = "pattern"


class RankBudget:
    """AdaLoRA's regimen (Zhang et al. 2023), by peft's allocator.

    Args:
        adapted: peft's model with AdaLoRA's adapters.
    """

    def __init__(self, adapted: Any) -> None:
        self._model = adapted.base_model
        (self._config,) = adapted.peft_config.values()

    def penalty(self) -> "Tensor":
        """Return how far the singular vectors are from orthogonal, weighed.

        It is equation 4 of the paper, averaged over all matrices; peft adds it to a loss only where its own model
        computes one.
        """
        import torch

        distances = []
        for name, vectors in self._model.named_parameters():
            if "lora_A" in name or "lora_B" in name:
                product = vectors @ vectors.T if "lora_A" in name else vectors.T @ vectors
                distances.append(torch.linalg.norm(product - torch.eye(len(product), device=product.device)))
        weighed: Tensor = self._config.orth_reg_weight * torch.stack(distances).mean()
        return weighed

    def after_step(self, step: int) -> None:
        """Note which ranks matter, and take some away."""
        self._model.update_and_allocate(step)

    def state(self) -> "dict[str, Tensor]":
        """Return the averages, and which ranks are left."""
        import torch

        allocator = self._model.rankallocator
        found = {f"{kind}.{name}": value for kind in AVERAGES for name, value in getattr(allocator, kind).items()}
        pattern = self._config.rank_pattern or {}
        return found | {f"{PATTERN}.{name}": torch.tensor(left) for name, left in pattern.items()}

    def load(self, state: "Mapping[str, Tensor]") -> None:
        """Take up what `state` gave."""
        kinds: dict[str, dict[str, Tensor]] = {kind: {} for kind in (*AVERAGES, PATTERN)}
        for full, value in state.items():
            kind, name = full.split(".", 1)
            kinds[kind][name] = value
        for kind in AVERAGES:
            setattr(self._model.rankallocator, kind, kinds[kind])
        self._config.rank_pattern = {name: left.tolist() for name, left in kinds[PATTERN].items()} or None
