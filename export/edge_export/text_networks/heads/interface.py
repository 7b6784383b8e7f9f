"""What all heads have in common."""

from torch import Tensor, nn

from edge_export.text_networks.fields import HeadFields, Pooling

WEIGHT_SPREAD = 0.02
"""Standard deviation of a fresh linear layer's weights, as BERT's authors drew them."""


class Head(nn.Module):
    """From an encoder's last layer to logits.

    Args:
        fields: Which head.
        width: Of the encoder's last layer.
    """

    def __init__(self, fields: HeadFields, width: int) -> None:
        super().__init__()
        self.fields = fields
        self.width = width

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Map `(n, length, width)` and the mask of `(n, length)`, true where no padding is, to logits."""
        raise NotImplementedError


def linear(width: int, outputs: int) -> nn.Linear:
    """Return a fresh linear layer."""
    layer = nn.Linear(width, outputs)
    nn.init.normal_(layer.weight, std=WEIGHT_SPREAD)
    nn.init.zeros_(layer.bias)
    return layer


def pool(hidden: Tensor, mask: Tensor, pooling: Pooling) -> Tensor:
    """Return one row for each text: `(n, length, width)` to `(n, width)`.

    Args:
        hidden: The encoder's last layer.
        mask: `(n, length)`, true where no padding is.
        pooling: `cls` takes the first token, `mean` the mean of all that are no padding.
    """
    if pooling == "cls":
        return hidden[:, 0]
    counted = mask.unsqueeze(-1).to(hidden.dtype)
    # A text that is nothing but padding has a mean of zeros instead of one that is not a number.
    return (hidden * counted).sum(1) / counted.sum(1).clamp(min=1)
