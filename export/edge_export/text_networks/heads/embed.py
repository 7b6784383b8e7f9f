"""The head of sentence embeddings: one row for each text, scaled to length one."""

from torch import Tensor
from torch.nn import functional as F

from edge_export.text_networks.heads.interface import Head, pool


class EmbedHead(Head):
    """`(n, length, width)` to embeddings `(n, width)` whose dot product is their cosine; it has no weights."""

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """See `Head`."""
        return F.normalize(pool(hidden, mask, self.fields.pooling), dim=-1)
