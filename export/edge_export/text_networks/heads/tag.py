"""The head of a token classifier: dropout and a linear layer on every token."""

from torch import Tensor, nn

from edge_export.text_networks.fields import HeadFields
from edge_export.text_networks.heads.interface import Head, linear


class TagHead(Head):
    """`(n, length, width)` to logits `(n, length, labels)`, of padding too."""

    def __init__(self, fields: HeadFields, width: int) -> None:
        super().__init__(fields, width)
        self.dropout = nn.Dropout(fields.dropout)
        self.linear = linear(width, fields.outputs)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """See `Head`."""
        logits: Tensor = self.linear(self.dropout(hidden))
        return logits
