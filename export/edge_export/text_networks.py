"""Text encoders of transformers as networks: token numbers in, logits out, everything else made inside."""

import hashlib
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edge_runtime.errors import InputError, MachineError
from edge_runtime.preprocessing import TextPreprocessing

if TYPE_CHECKING:
    from torch import Tensor, nn

INSTALL_TEXT = 'pip install "edge-toolchain[text]"'


DEFAULT_LENGTH = 128
"""Tokens of a text that count where nobody says otherwise: most messages are shorter, and time grows with them."""


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


def text_contract(name: str, tokenizer: Any, config: Any, max_length: int | None) -> tuple[TextPreprocessing, bytes]:
    """Return the contract of an encoder's inputs, and its tokenizer's file.

    Args:
        name: What errors call it.
        tokenizer: transformers' own.
        config: transformers' configuration of the encoder.
        max_length: Most tokens of a text; None for the smaller of `DEFAULT_LENGTH` and what the encoder takes.

    Raises:
        InputError: the tokenizer cannot go to a device or does not fit the model, or the encoder takes fewer tokens.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise InputError(f"{name}: its tokenizer has no tokenizer.json, which devices need; choose another model")
    if tokenizer.pad_token_id is None:
        raise InputError(f"{name}: its tokenizer has no padding token; choose an encoder such as BERT")
    backend.no_padding()
    backend.no_truncation()
    content = backend.to_str().encode()
    vocabulary = int(config.vocab_size)
    largest = max(backend.get_vocab(with_added_tokens=True).values())
    if largest >= vocabulary:
        raise InputError(
            f"{name}: the tokenizer knows token {largest:,}, the model {vocabulary:,} of them; they do not fit"
        )
    most = _longest(tokenizer, config)
    if max_length is not None and max_length > most:
        raise InputError(f"--max-length {max_length}: {name} takes at most {most} tokens")
    length = max_length or min(DEFAULT_LENGTH, most)
    digest = hashlib.sha256(content).hexdigest()
    return TextPreprocessing(digest, vocabulary, int(tokenizer.pad_token_id), length), content


def _longest(tokenizer: Any, config: Any) -> int:
    """Return how many tokens the encoder takes; RoBERTa's positions begin after the padding's."""
    positions = int(getattr(config, "max_position_embeddings", 0) or 1 << 16)
    if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        positions -= int(config.pad_token_id) + 1
    return min(positions, int(min(tokenizer.model_max_length, 1 << 16)))
