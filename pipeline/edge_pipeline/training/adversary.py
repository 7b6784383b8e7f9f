"""Moves word embeddings to where the loss rises most, so that a text is learned with its neighborhood."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor, nn


class Adversary:
    """The fast gradient method (Miyato, Dai and Goodfellow 2017, equation 4) on the table of word embeddings.

    Their paper moves the embeddings of each text; here the table is moved, by the gradient of the whole batch.

    Args:
        table: `(words, width)` word embeddings; where they are not trained, they get gradients all the same.
        size: Length of the move, over all that is moved; at most the mean length of a word's embedding before training,
            or small encoders whose words lie close together learn nothing.
    """

    def __init__(self, table: "nn.Parameter", size: float) -> None:
        self._trained = table.requires_grad
        self._table = table.requires_grad_()
        self._size = min(size, float(table.detach().norm(dim=1).mean()))

    @contextmanager
    def moved(self, ids: "Tensor") -> "Iterator[None]":
        """Move the embeddings along the gradient that is there, and put them back to the bit.

        Args:
            ids: The batch that the gradient is of: only words in it have one.
        """
        import torch

        table = self._table
        assert table.grad is not None
        words = torch.bincount(ids.flatten()).nonzero()[:, 0].to(table.device)
        kept = table.detach()[words]
        # Over the whole table, which has the words of all processes. Of a gradient that is not finite there is no
        # direction: the loss was not either, and the loop tells it, or fp16's scale was too large for this step.
        move = table.grad[words] * (self._size / (table.grad.norm() + 1e-12))
        with torch.no_grad():
            table[words] = kept + torch.nan_to_num(move, 0.0, 0.0, 0.0)
        try:
            yield
        finally:
            with torch.no_grad():
                table[words] = kept
            if not self._trained:
                table.grad = None


def make_adversary(model: "nn.Module", size: float) -> Adversary | None:
    """Return what moves the word embeddings of a network of transformers; None where `model` has none."""
    owners: Any = (module for module in model.modules() if hasattr(module, "get_input_embeddings"))
    owner = next(owners, None)
    return None if owner is None else Adversary(owner.get_input_embeddings().weight, size)
