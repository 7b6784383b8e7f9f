"""The head of a classifier of texts: one row for each text, dropout, a linear layer."""

from torch import Tensor, nn

from edge_export.text_networks.fields import HeadFields
from edge_export.text_networks.heads.interface import Head, linear, pool


class ClassifyHead(Head):
    """`(n, length, width)` to logits `(n, labels)`."""

    def __init__(self, fields: HeadFields, width: int) -> None:
        super().__init__(fields, width)
        self.dropout = nn.Dropout(fields.dropout)
        self.linear = linear(width, fields.outputs)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """See `Head`."""
        logits: Tensor = self.linear(self.dropout(pool(hidden, mask, self.fields.pooling)))
        return logits
