"""Text encoders of transformers as networks: token numbers in, logits out, everything else made inside."""

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edge_runtime.errors import InputError, MachineError

if TYPE_CHECKING:
    from torch import Tensor, nn

INSTALL_TEXT = 'pip install "edge-toolchain[text]"'


def import_transformers() -> Any:
    """Import transformers.

    Raises:
        MachineError: it is not installed.
    """
    try:
        import transformers  # pyright: ignore[reportMissingImports] - an extra
    except ImportError as error:
        raise MachineError(f"texts need transformers, which is missing; run: {INSTALL_TEXT}") from error
    return transformers


def as_network(encoder: "nn.Module", pad_id: int) -> "nn.Module":
    """Return a classifier of transformers as a function of one tensor.

    The mask is made of the token numbers, in training, in the graph and on the device alike, so that a model has one
    input; segments, where the architecture has them, are all the first.

    Args:
        encoder: Such as `BertForSequenceClassification`.
        pad_id: What is masked.
    """
    import torch
    from torch import nn

    wants_segments = "token_type_ids" in inspect.signature(encoder.forward).parameters

    class TextNetwork(nn.Module):
        """`(n, length)` int64 token numbers to `(n, classes)` logits."""

        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, ids: "Tensor") -> "Tensor":
            more = {"token_type_ids": torch.zeros_like(ids)} if wants_segments else {}
            logits: Tensor = self.encoder(input_ids=ids, attention_mask=(ids != pad_id).long(), **more).logits
            return logits

    return TextNetwork()


def build_text_network(config: Mapping[str, Any], pad_id: int) -> "nn.Module":
    """Build a network of its transformers configuration, with random weights.

    Raises:
        InputError: transformers knows no such architecture.
        MachineError: transformers is not installed.
    """
    transformers = import_transformers()
    try:
        known = transformers.AutoConfig.for_model(**config)
        encoder = transformers.AutoModelForSequenceClassification.from_config(known)
    except (KeyError, TypeError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{config.get('model_type')}: transformers cannot build it ({reason}); train again") from error
    return as_network(encoder, pad_id)
