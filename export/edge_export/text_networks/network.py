"""Text encoders as networks of one input; importing this module imports torch."""

import inspect

from torch import Tensor, nn, zeros_like

from edge_export.text_networks.heads import Head


class TextNetwork(nn.Module):
    """`(n, length)` int64 token numbers to what the head makes of them.

    The mask is made of the token numbers, in training, in the graph and on the device alike, so that a model has one
    input; segments, where the architecture has them, are all the first.

    Args:
        encoder: A bare encoder of transformers, such as `BertModel`.
        head: Ours; None where `encoder` is a classifier of transformers and has its own.
        pad_id: What is masked.
    """

    def __init__(self, encoder: nn.Module, head: Head | None, pad_id: int) -> None:
        super().__init__()
        # Asked once: adapters around the encoder take any argument.
        self._wants_segments = "token_type_ids" in inspect.signature(encoder.forward).parameters
        self.encoder = encoder
        self.head = head
        self.pad_id = pad_id

    def forward(self, ids: Tensor) -> Tensor:
        """Return the logits."""
        mask = ids != self.pad_id
        more = {"token_type_ids": zeros_like(ids)} if self._wants_segments else {}
        seen = self.encoder(input_ids=ids, attention_mask=mask.long(), **more)
        logits: Tensor = seen.logits if self.head is None else self.head(seen.last_hidden_state, mask)
        return logits
