"""The loss, the learning rate of a step, and the optimizer."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from edge_pipeline.training.config import TrainConfig

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.optim import Optimizer

    Loss = Callable[[Tensor, Tensor], Tensor]


def make_loss(config: TrainConfig, targets: "Tensor", classes: int) -> "Loss":
    """Return the mean loss of `(n, classes)` logits against the targets of `Items.targets`.

    Cross entropy with label smoothing, or binary cross entropy on logits for multilabel data. With
    `class_weights`, class c weighs `n / (classes * n_c)`, scikit-learn's "balanced" rule (for multilabel: positives
    weigh `negatives / positives`); `targets` are the training set's, from which the counts come.
    """
    import torch
    from torch.nn import functional as F

    weight = None
    if config.class_weights:
        counts = targets.sum(0) if config.multilabel else torch.bincount(targets, minlength=classes).float()
        counts = counts.clamp(min=1)
        share = (len(targets) - counts) / counts if config.multilabel else len(targets) / (classes * counts)
        weight = share.float()

    def loss(logits: "Tensor", wanted: "Tensor") -> "Tensor":
        weights = None if weight is None else weight.to(logits.device)
        if config.multilabel:
            return F.binary_cross_entropy_with_logits(logits, wanted, pos_weight=weights)
        return F.cross_entropy(logits, wanted, weights, label_smoothing=config.label_smoothing)

    return loss


def learning_rate(config: TrainConfig, step: int, steps: int) -> float:
    """Return the rate of `step` (from 0) of `steps`: a linear rise, then half a cosine to zero, or constant."""
    rising = round(config.warmup * steps)
    if step < rising:
        return config.learning_rate * (step + 1) / rising
    if config.schedule == "constant":
        return config.learning_rate
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def make_optimizer(config: TrainConfig, model: "nn.Module") -> "Optimizer":
    """Return the optimizer over the model's trainable parameters; only matrices and kernels decay."""
    from torch import optim

    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    if config.optimizer == "sgd":
        return optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum)
    return optim.AdamW(groups, lr=config.learning_rate)
